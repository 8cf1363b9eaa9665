"""How good a value model is, while it is trained: ranked pairs, calibration, and their course over the steps."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback

from rstar.training.calibration import calibration
from rstar.training.preferences import PreferenceExample, collate

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Quality:
    """One look at a model in training."""

    step: int
    pair_accuracy: float
    """Weighted share of the held-out pairs whose chosen one scores higher."""
    calibration_error: float
    """Of sigmoid(score) at the ends of whole held-out solutions."""
    brier: float


@torch.inference_mode()
def measured(scorer: torch.nn.Module, examples: Sequence[PreferenceExample], padding: int, step: int = 0) -> Quality:
    """What `scorer`, a `PlaceScorer`, makes of held-out examples. It is left in evaluation mode."""
    scorer.eval()
    device = next(scorer.parameters()).device
    right, total, probs, labels = 0.0, 0.0, list[float](), list[float]()
    for each in examples:
        batch = {name: value.to(device) for name, value in collate([each], padding).items()}
        places = torch.cat((batch["chosen"], batch["rejected"]))
        leaves = _leaves(each)
        ends = {index: label for index, label in each.outcomes if label in (0.0, 1.0) and index in leaves}
        ended = torch.tensor([(0, index) for index in ends], dtype=torch.long, device=device).view(-1, 2)
        inputs = {name: batch[name] for name in ("input_ids", "position_ids", "attention_mask")}
        scores = scorer(torch.cat((places, ended)), **inputs)
        chosen, rejected, judged = scores.split((len(each.chosen), len(each.rejected), len(ends)))
        right += float((batch["weights"] * (chosen > rejected)).sum())
        total += float(batch["weights"].sum())
        probs += torch.sigmoid(judged).tolist()
        labels += list(ends.values())
    found = calibration(probs, labels)
    return Quality(step, right / total if total else math.nan, found.expected_error, found.brier)


class Watch(TrainerCallback):
    """Measures held-out pairs every `every` optimizer steps and appends a line to `path`."""

    def __init__(
        self,
        scorer: torch.nn.Module,
        examples: Sequence[PreferenceExample],
        tokenizer: PreTrainedTokenizerBase,
        every: int,
        path: Path,
    ) -> None:
        self.scorer, self.examples, self.every, self.path = scorer, examples, every, path
        token = tokenizer.pad_token_id
        self.padding = token if isinstance(token, int) else 0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called by the trainer after each optimizer step."""
        del args, control
        if state.global_step % self.every or not state.is_world_process_zero:
            return
        found = measured(self.scorer, self.examples, self.padding, state.global_step)
        self.scorer.train()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(found)) + "\n")


def _leaves(example: PreferenceExample) -> set[int]:
    """Indices of the tokens at which a sequence ends and none goes on: of whole solutions, where they have a label."""
    return set(example.tree.ends) - set(example.tree.parents)
