"""Public process reward models (PRMs): a probability that each step is right, served as a value.

Each family marks the end of a step in its own way and reads its judgement there; `qwen_prm`, `skywork_prm`,
`math_shepherd` and `rlhflow` hold what their model cards say. All of them are causal models, so what is said of a step
depends on nothing behind it: the sequence is cut at that point, and the last token's hidden state is enough. A tree's
shared prefixes are then computed once, as for our own PPM.

The published score is a probability p in [0, 1]; the value is 2 p - 1, in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rstar.engines.transformers import MAX_CONTEXT_TOKENS
from rstar.reward.last_token import MAX_SEQUENCES, LastTokenReward
from rstar.reward.plain_steps import PlainSteps
from rstar.types import Scores, Trajectory
from tasks.types import InputError

PROBABILITY_SCALE = 2.0
"""2 sigmoid(logit) - 1 = tanh(logit / 2)."""


class StepMarks(Protocol):
    """How one family writes a solution down. Made for a tokenizer; raises InputError for one that lacks the marks."""

    tag: str
    """The text that marks a step's end; no step may hold it. Empty where the mark is no text of its own."""

    def up_to(self, question: str, steps: Sequence[str]) -> tuple[int, ...]:
        """Token ids up to the one at which the last of `steps` is judged; at least one step.

        Those of fewer steps are a prefix.
        """
        ...


class PublicPRM(LastTokenReward):
    """A `RewardModel` of one of the public families."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        marks: StepMarks,
        head: torch.nn.Module,
        *,
        max_context_tokens: int = MAX_CONTEXT_TOKENS,
        max_sequences: int = MAX_SEQUENCES,
        kv_bytes: int | None = None,
    ) -> None:
        """`head` takes hidden states to the logit, [rows, 1], of the probability that the step is right.

        Raises InputError for a setting out of range, and for a model that the engine cannot run.
        """
        super().__init__(
            model,
            PROBABILITY_SCALE,
            head=head,
            max_context_tokens=max_context_tokens,
            max_sequences=max_sequences,
            kv_bytes=kv_bytes,
        )
        self.marks = marks
        self.plain = PlainSteps({*_special_strings(tokenizer), marks.tag})

    def sequence(self, trajectory: Trajectory) -> tuple[int, ...]:
        """The token ids up to the one that judges the last step. Raises ValueError where there is no step."""
        return self._up_to(self.plain.question(trajectory), self.plain.of(trajectory))

    async def score_steps(self, trajectory: Trajectory) -> Scores:
        """The value of every step, each given those before it, in one pass over the whole.

        Raises EngineError where the engine fails, ValueError for a trajectory without steps or beyond the context.
        """
        question, steps = self.plain.question(trajectory), self.plain.of(trajectory)
        whole = self._up_to(question, steps)
        places = [len(self.marks.up_to(question, steps[:number])) - 1 for number in range(1, len(steps))]
        return await self.score_places(whole, [*places, len(whole) - 1])

    def _up_to(self, question: str, steps: Sequence[str]) -> tuple[int, ...]:
        if not steps:
            raise ValueError("a trajectory without steps has nothing that a process reward model could judge")
        return self.marks.up_to(question, steps)

    def __enter__(self) -> Self:
        return self


class LogitDifference(torch.nn.Module):
    """How much more likely one label is than the other: softmax over both gives it the probability sigmoid(this)."""

    def __init__(self, labels: torch.nn.Module, right: int, wrong: int) -> None:
        """`labels` takes [rows, hidden size] to [rows, labels]; `right` and `wrong` are two of them."""
        super().__init__()
        self.labels, self.right, self.wrong = labels, right, wrong

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """[rows, hidden size] to [rows, 1]."""
        logits: torch.Tensor = self.labels(hidden).float()
        return logits[:, self.right, None] - logits[:, self.wrong, None]


def token_difference(model: PreTrainedModel, right: int, wrong: int) -> LogitDifference:
    """The same for two tokens of a causal model's output layer, the rest of which is not computed.

    Raises InputError for an output layer that is not linear.
    """
    output = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    if not isinstance(output, torch.nn.Linear):
        raise InputError(f"{type(model).__name__} has no linear output layer; this architecture is not served as a PRM")
    two = torch.nn.Linear(output.in_features, 2, output.bias is not None, output.weight.device, output.weight.dtype)
    with torch.no_grad():
        two.weight.copy_(output.weight[[right, wrong]])
        if output.bias is not None:
            two.bias.copy_(output.bias[[right, wrong]])
    return LogitDifference(two, 0, 1)


def single_token(tokenizer: PreTrainedTokenizerBase, text: str, family: str, role: str) -> int:
    """The id of the one token that `text` is. Raises InputError where it is none or several: another tokenizer."""
    tokens = tokenizer.encode(text, add_special_tokens=False)
    if len(tokens) != 1 or tokens[0] == tokenizer.unk_token_id:
        raise InputError(
            f"reward model of the format {family}: its tokenizer lacks the {role} {text!r} as one token; use the "
            "tokenizer that the model was published with, or another --ppm-format"
        )
    return int(tokens[0])


def _special_strings(tokenizer: PreTrainedTokenizerBase) -> set[str]:
    added = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    return added | set(tokenizer.all_special_tokens)
