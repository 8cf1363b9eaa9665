"""Settings of the two trainings and of the tiny model, as frozen dataclasses, and the presets by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from tasks.types import InputError

SCHEDULES = ("linear", "cosine", "constant")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """What SFT and PPM training have in common."""

    epochs: float = 1.0
    """Passes over the data."""
    learning_rate: float = 1e-3
    """Peak of the schedule."""
    muon: float = 0.0
    """The same for the matrices of the layers, which Muon then trains, see `rstar.training.muon`; 0: AdamW has all."""
    warmup: float = 0.05
    """Share of the steps in which the learning rate rises from 0."""
    schedule: str = "linear"
    """How it falls after that: `linear`, `cosine` or `constant` (to 0, to 0, not at all)."""
    weight_decay: float = 0.1
    """AdamW's. 0.1: released SFT script."""
    max_grad_norm: float = 1.0
    batch: int = 32
    """Examples (SFT) or problems (PPM) per optimizer step."""
    short_first: float = 0.0
    """Share of the first epoch before which the longest example may not come, 0 to 1: a curriculum by length. 0: none.
    A model from random weights learns to copy numbers much sooner from short examples (model card)."""
    max_tokens: int = 1024
    """Longest prompt and solution together; a longer one is dropped and counted, never cut."""
    bf16: bool = True
    """Compute in bfloat16 under autocast; weights and optimizer stay in float32."""
    seed: int = 0
    """Of the order of the data, the dropout and new weights."""
    threads: int = 2
    """Torch threads on a CPU; 0 leaves torch's own choice."""
    save_every: int = 200
    """Optimizer steps between checkpoints from which an interrupted run goes on; 0 saves none."""

    def __post_init__(self) -> None:
        _positive(self, "epochs", "learning_rate", "max_grad_norm", "batch", "max_tokens")
        for name in ("muon", "warmup", "weight_decay", "threads", "save_every", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"training setting {name} = {getattr(self, name)} is out of range; use 0 or more")
        if self.warmup >= 1:
            raise InputError(f"training setting warmup = {self.warmup} is out of range; use a share below 1")
        if not 0 <= self.short_first <= 1:
            raise InputError(f"training setting short_first = {self.short_first} is out of range; use a share, 0 to 1")
        if self.schedule not in SCHEDULES:
            raise InputError(f"training setting schedule = {self.schedule!r} is unknown; use {', '.join(SCHEDULES)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SftSettings(TrainSettings):
    """Supervised fine-tuning on solutions. Raises InputError, naming the field, for a value out of range."""

    mask_output: bool = True
    """Leave the interpreter's output out of the loss. The paper and the released code train on it (False)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PpmSettings(TrainSettings):
    """Preference training of a PPM. Raises InputError, naming the field, for a value out of range."""

    learning_rate: float = 5e-4
    batch: int = 8
    dropout: float = 0.0
    """On the hidden state before the scalar head. The released code has 0.1."""
    outcome_weight: float = 0.0
    """Weight of a second term: at every token of a solution, cross-entropy between sigmoid(score) and the share of the
    solutions from there on that end right. It makes scores log-odds of being right, which pairs alone do not (they fix
    differences within one problem), and says at which token a solution goes wrong (token-level verifiers: Cobbe et al.
    2021, section 4.2). 0: the paper's loss, as it is."""

    def __post_init__(self) -> None:
        TrainSettings.__post_init__(self)
        if not 0 <= self.dropout < 1:
            raise InputError(f"training setting dropout = {self.dropout} is out of range; use a share below 1")
        if self.outcome_weight < 0:
            raise InputError(f"training setting outcome_weight = {self.outcome_weight} is out of range; use 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Size of a Llama-type model that is trained from scratch."""

    hidden: int = 192
    layers: int = 4
    heads: int = 6
    kv_heads: int = 2
    feed_forward: int = 256
    vocabulary: int = 1000
    """Tokens that the tokenizer may have."""
    initializer_range: float = 0.06
    """Standard deviation of the first weights. transformers' 0.02 suits wide models; at width 192 it costs a third of
    the training before anything is learned (model card)."""
    positions: int = 2048
    """Longest input; the trained ones are much shorter."""


TINY_SHAPE = Shape()
"""1.2 M parameters. Hidden size, layers and heads: the prototype's (docs: shared tiny recipe); chosen, not tuned."""

Settings = TypeVar("Settings", bound=TrainSettings)


def overridden(settings: Settings, overrides: Mapping[str, Any]) -> Settings:
    """`settings` with other values. Raises InputError for an unknown field or a value out of range."""
    known = [each.name for each in fields(settings)]
    for name in overrides:
        if name not in known:
            raise InputError(f"training setting {name!r} is unknown here; use {', '.join(known)}")
    return replace(settings, **overrides)


def _positive(settings: TrainSettings, *names: str) -> None:
    for name in names:
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise InputError(f"training setting {name} = {value!r} is out of range; use a number above 0")


# Paper, section 4.1 and appendix A.1: 2 epochs, length 4096, batch 128, AdamW; Qwen linear at 7e-6, Phi3-mini cosine at
# 5e-6; the loss is on the interpreter's output too. Released README: weight decay 0.1, no warm-up, bf16, seed 42. The
# released script leaves the length at 2048; the paper's is taken.
_PAPER_SFT = SftSettings(
    epochs=2,
    learning_rate=7e-6,
    warmup=0.0,
    schedule="linear",
    weight_decay=0.1,
    batch=128,
    max_tokens=4096,
    mask_output=False,
    seed=42,
    threads=0,  # chosen: torch's own, on a machine with GPUs
)
# Paper: 1 epoch, 512 pairs a batch, 7e-6 (the README trains 2 epochs). README: length 2048, seed 42, dropout 0.1 on the
# head. A batch here counts problems, whose pairs share their tokens: 128 groups of 2 x 2 pairs are 512, and a problem
# has one group or more, so 128 problems are the paper's batch at least. Weight decay and warm-up as in SFT.
_PAPER_PPM = PpmSettings(
    epochs=1,
    learning_rate=7e-6,
    warmup=0.0,
    schedule="linear",
    weight_decay=0.1,
    batch=128,
    max_tokens=2048,
    dropout=0.1,
    seed=42,
    threads=0,
)
SFT_PRESETS: dict[str, SftSettings] = {
    # Learning rate and epochs from trials on the validation split, see the model card.
    "tiny": SftSettings(),
    "paper-7b": _PAPER_SFT,
    "paper-1.5b": _PAPER_SFT,
    "paper-phi3": replace(_PAPER_SFT, schedule="cosine", learning_rate=5e-6),
}
PPM_PRESETS: dict[str, PpmSettings] = {
    "tiny": PpmSettings(),
    # The evolution's PPM is the 7B one; smaller policies are paired with it (paper, Table 5). The other two are there
    # for those who train a smaller one, with the same numbers; the paper gives none of their own.
    "paper-7b": _PAPER_PPM,
    "paper-1.5b": _PAPER_PPM,
    "paper-phi3": _PAPER_PPM,
}
