"""The four rounds of self-evolution as the paper did them, in tokens and GPU-hours, beside the hours that it reports.

Searches: 747,000 problems, rollouts and candidates of its section 3.4 and appendix A.1; tokens per trajectory are those
of Table 9 for MATH, from GSM8K to OlympiadBench, with the share of the candidates. Further searches go to problems that
the round left unsolved (Table 2). Training: two solutions of each solved problem for the policy (section 3), one group
of two times two steps for the PPM; the paper gives neither number of examples, so these are assumptions, and no hours.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.gpu_table import GPUS, Gpu
from harness.model_shape import BOOTSTRAP, PPM, SHAPES, ModelShape
from harness.plan_memory import MAX_SEQUENCES, fit
from harness.plan_speed import Range, at_reached_share, gpu_seconds_per_token
from harness.plan_tokens import QUESTION_TOKENS, TABLE_9, TABLE_CANDIDATES

NUM_PROBLEMS = 747_000
"""Paper, section 3."""
MAX_TOKENS = 4096
"""Model length of the released configurations."""
MFU = Range(0.25, 0.4, 0.55)
"""Share of the peak that training reaches. Chosen, not measured here."""
SFT_EPOCHS, PPM_EPOCHS = 2, 1
"""Paper, section 4.1."""


@dataclass(frozen=True, slots=True)
class Round:
    """What the paper says of one round."""

    number: int
    rollouts: float
    """Per problem, those for the unsolved included."""
    candidates: int
    solved: float
    """Share of the problems at its end (Table 2)."""
    has_ppm: bool
    gpu: str
    """Of the reported hours."""
    gpus_per_worker: int
    reported_hours: float
    """GPU-hours of data generation: nodes x GPUs x days x 24 (appendix A.1)."""


ROUNDS = (
    Round(1, 8, 5, 0.6017, False, "h100", 8, 10 * 8 * 14 * 24),
    Round(2, 16 + 16 * (1 - 0.6660), 8, 0.6660, False, "a100-40", 1, 15 * 4 * 3 * 24),
    Round(3, 16 + 16 * (1 - 0.7786), 8, 0.7786, True, "a100-40", 1, 15 * 4 * 3 * 24),
    Round(4, 16 + 112 * (1 - 0.9025), 16, 0.9025, True, "a100-40", 1, 15 * 4 * 7 * 24),
)


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """One round on one device."""

    round: Round
    tokens: Range
    """Written in its searches."""
    search_hours: Range
    """GPU-hours; 0 where the models do not fit on `gpus_per_worker` devices."""
    training_hours: Range
    """Of policy and PPM."""
    fits: bool


def plan_round(this: Round, policy: ModelShape, gpu: Gpu, gpus_per_worker: int) -> RoundPlan:
    """A round with `policy` in the searches (the paper's 236B one in the first), on `gpu`."""
    writer = BOOTSTRAP if this.number == 1 else policy
    num_gpus = max(gpus_per_worker, this.gpus_per_worker)
    tokens = round_tokens(this)
    ideal = ideal_seconds(this, writer, gpu, num_gpus)
    hours = Range(0.0, 0.0, 0.0) if ideal is None else tokens.times(at_reached_share(ideal)) * (1 / 3600)
    return RoundPlan(this, tokens, hours, _training_hours(this, policy, gpu), ideal is not None)


def round_tokens(this: Round) -> Range:
    """Tokens that the searches of a round write."""
    searches = NUM_PROBLEMS * this.rollouts * this.candidates / TABLE_CANDIDATES
    return Range(TABLE_9["gsm8k"], TABLE_9["math"], TABLE_9["olympiadbench"]) * searches


def ideal_seconds(this: Round, writer: ModelShape, gpu: Gpu, num_gpus: int) -> float | None:
    """GPU-seconds for one token at the roofline; None where the models do not fit."""
    reward = PPM if this.has_ppm else None
    context = QUESTION_TOKENS + TABLE_9["math"] / TABLE_CANDIDATES / 2
    room = fit(writer, reward, gpu, num_gpus, context, MAX_TOKENS)
    if not room.is_enough:
        return None
    sequences = min(MAX_SEQUENCES, room.sequences)
    return gpu_seconds_per_token(writer, reward, gpu, num_gpus, sequences, context)


def reached_share(this: Round) -> float:
    """The share of the roofline that the paper's reported hours amount to, on its own hardware."""
    writer = BOOTSTRAP if this.number == 1 else SHAPES["paper-7b"]
    ideal = ideal_seconds(this, writer, GPUS[this.gpu], this.gpus_per_worker)
    assert ideal is not None, "the paper's models fitted on the paper's devices"
    return round_tokens(this).likely * ideal / 3600 / this.reported_hours


def _training_hours(this: Round, policy: ModelShape, gpu: Gpu) -> Range:
    """6 operations a parameter and token (forward and back), at `MFU` of the peak."""
    length = QUESTION_TOKENS + TABLE_9["math"] / TABLE_CANDIDATES
    solved = NUM_PROBLEMS * this.solved
    flops = 6 * length * solved * (2 * SFT_EPOCHS * policy.parameters + 4 * PPM_EPOCHS * PPM.parameters)
    hours = flops / gpu.flops_per_second / 3600
    return Range(hours / MFU.high, hours / MFU.likely, hours / MFU.low)
