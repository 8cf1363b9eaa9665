"""What a run will take, before anything is spent: memory, tokens, GPU-hours and money, each as an interval.

Nothing is refused: what does not fit or is not known is a warning, and the figures say what they rest on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.gpu_table import Gpu
from harness.model_shape import ModelShape
from harness.plan_memory import MAX_SEQUENCES, Fit, fit, smallest_worker
from harness.plan_rounds import ROUNDS, RoundPlan, plan_round
from harness.plan_speed import LEAST, LIKELY, MOST, Range, at_reached_share, tokens_per_second
from harness.plan_tokens import Tokens, from_paper, from_pilot
from harness.run_folder import RunRecord
from harness.run_summary import RunSummary, summarize
from rstar.training.memory import ROOM, Size, estimate
from rstar.training.scale import PAPER_SCALE
from rstar.training.settings import SFT_PRESETS

FEW_SEQUENCES = 32
"""Solutions in flight below which a GPU mostly waits for its memory. Chosen, not tuned."""
TRAINING_GPUS = 8
"""Released README: eight devices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be planned."""

    task: str
    num_problems: int
    budgets: tuple[int, ...]
    policy: ModelShape
    reward: ModelShape | None
    gpu: Gpu
    gpus_per_worker: int = 1
    candidates: int = 32
    max_tokens: int = 4096
    price: float | None = None
    """Of a GPU-hour, in whatever currency."""
    pilot: Path | None = None
    has_rounds: bool = False


@dataclass(frozen=True, slots=True)
class BudgetPlan:
    """One budget over the whole task."""

    budget: int
    tokens_per_problem: Range
    tokens: Range
    gpu_hours: Range
    money: Range | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it."""

    wish: Wish
    fit: Fit
    training_gb: float
    """Per device, of SFT on `TRAINING_GPUS` devices as the paper does it."""
    budgets: tuple[BudgetPlan, ...]
    rounds: tuple[RoundPlan, ...]
    tokens_rest_on: str
    hours_rest_on: str
    warnings: tuple[str, ...]

    def for_json(self) -> dict[str, Any]:
        """Everything, with names that stay."""
        wish = self.wish
        return {
            "task": wish.task,
            "num_problems": wish.num_problems,
            "policy": wish.policy.title,
            "reward": None if wish.reward is None else wish.reward.title,
            "gpu": asdict(wish.gpu),
            "gpus_per_worker": wish.gpus_per_worker,
            "memory_bytes": asdict(self.fit) | {"left": self.fit.left},
            "training_gb": self.training_gb,
            "budgets": [asdict(each) for each in self.budgets],
            "rounds": [asdict(each) for each in self.rounds],
            "tokens_rest_on": self.tokens_rest_on,
            "hours_rest_on": self.hours_rest_on,
            "warnings": list(self.warnings),
        }


def make_plan(wish: Wish) -> Plan:
    """The plan of a wish. Raises InputError for a pilot that cannot be read."""
    tokens = (
        from_paper(wish.task, wish.budgets, wish.num_problems, wish.candidates)
        if wish.pilot is None
        else from_pilot(wish.pilot, wish.budgets)
    )
    mean = min(tokens.mean_context, float(wish.max_tokens))
    room = fit(wish.policy, wish.reward, wish.gpu, wish.gpus_per_worker, mean, wish.max_tokens)
    sequences = max(1, min(MAX_SEQUENCES, room.sequences))
    speed, hours_rest_on, warnings = _speed(wish, sequences, mean)
    budgets = tuple(_budget(wish, each, speed) for each in tokens.at)
    rounds = tuple(plan_round(each, wish.policy, wish.gpu, wish.gpus_per_worker) for each in ROUNDS)
    training = _training_bytes(wish.policy)
    return Plan(
        wish,
        room,
        training / 1e9,
        budgets,
        rounds if wish.has_rounds else (),
        tokens.rests_on,
        hours_rest_on,
        (*_memory_warnings(wish, room, training), *warnings, *tokens.warnings, *_pilot_warnings(wish)),
    )


def _budget(wish: Wish, tokens: Tokens, speed: _Speed) -> BudgetPlan:
    hours = speed.gpu_seconds(tokens) * (wish.num_problems / 3600)
    return BudgetPlan(
        tokens.budget,
        tokens.written,
        tokens.written * wish.num_problems,
        hours,
        None if wish.price is None else hours * wish.price,
    )


@dataclass(frozen=True, slots=True)
class _Speed:
    """GPU-seconds of one token, in practice."""

    written: Range
    judged: Range

    def gpu_seconds(self, tokens: Tokens) -> Range:
        """Of one problem."""
        writing, judging = tokens.written.times(self.written), tokens.judged.times(self.judged)
        return Range(writing.low + judging.low, writing.likely + judging.likely, writing.high + judging.high)


def _speed(wish: Wish, sequences: int, mean: float) -> tuple[_Speed, str, tuple[str, ...]]:
    rate = tokens_per_second(wish.policy, wish.gpu, wish.gpus_per_worker, sequences, mean)
    judging = 0.0 if wish.reward is None else wish.reward.flops_per_token / wish.gpu.flops_per_second
    roofline = _Speed(at_reached_share(wish.gpus_per_worker / rate), at_reached_share(judging))
    words = (
        f"{LEAST:.0%} to {MOST:.0%} (likely {LIKELY:.0%}) of the roofline of {wish.gpu.title}, {rate:,.0f} tokens/s at "
        f"{sequences} solutions in flight; the likely share is what the paper's reported hours amount to"
    )
    if wish.pilot is None:
        return roofline, words, ()
    summary = summarize(wish.pilot)
    devices = sorted({str(session.get("device", "")) for session in summary.record.sessions})
    if not all(wish.gpu.title.split()[0].upper() in device.upper() for device in devices):
        warning = f"the pilot ran on {', '.join(devices)}: its tokens are used, hours are by arithmetic"
        return roofline, words, (warning,)
    measured = _measured_seconds(summary)
    likely = Range(min(roofline.written.low + roofline.judged.low, measured), measured, measured)
    return (
        _Speed(likely, Range(0.0, 0.0, 0.0)),
        f"the pilot's {measured * 1000:.2f} GPU-milliseconds per token written, programs included",
        ("a pilot of few problems does not fill the engine: its hours are an upper bound",),
    )


def _measured_seconds(summary: RunSummary) -> float:
    """GPU-seconds of a run per token that it wrote."""
    written = summary.cost(summary.record.spec.budgets[-1]).usage["completion_tokens"] * summary.num_done
    how = (summary.record.sessions[-1].get("how") or {}) if summary.record.sessions else {}
    num_gpus = float(how.get("workers", 1)) * float(how.get("gpus_per_worker", 1) or 1)
    return summary.wall_seconds * num_gpus / max(1.0, written)


def _memory_warnings(wish: Wish, room: Fit, training: float) -> list[str]:
    said = []
    if not room.is_enough:
        fewest = smallest_worker(wish.policy, wish.reward, wish.gpu, wish.max_tokens)
        cure = "take a GPU with more memory" if fewest is None else f"use --gpus-per-worker {fewest}"
        if wish.reward is not None:
            cure += ", or put policy and PPM on GPUs of their own"
        said.append(f"does not fit on {wish.gpus_per_worker} x {wish.gpu.title}: {-room.left / 1e9:.1f} GB too much")
        if room.left > 0:
            said[-1] = (
                f"not one solution of {wish.max_tokens:,} tokens fits on {wish.gpus_per_worker} x {wish.gpu.title}"
            )
        said[-1] += f"; {cure}"
    elif room.sequences < FEW_SEQUENCES:
        said.append(
            f"only {room.sequences} solutions fit at a time, so the GPU waits for its memory; expect the high end"
        )
    if training > ROOM * wish.gpu.memory_bytes and wish.has_rounds:
        said.append(
            f"SFT as in the paper takes {training / 1e9:.0f} GB on each of {TRAINING_GPUS} GPUs, more than "
            f"{wish.gpu.title} has; see 'rstar train sft --help' for --lora and --micro-batch"
        )
    return said


def _training_bytes(policy: ModelShape) -> float:
    """Of SFT with the paper's settings on each of its devices."""
    size = Size(policy.parameters, policy.layers, policy.hidden, policy.vocabulary)
    scale = replace(PAPER_SCALE, micro_batch=1)
    return float(estimate(size, SFT_PRESETS["paper-7b"], scale, TRAINING_GPUS).total)


def _pilot_warnings(wish: Wish) -> Sequence[str]:
    if wish.pilot is None:
        return ()
    record, said = RunRecord.read(wish.pilot), []
    for what, found, wanted in (
        ("task", record.task_name, wish.task),
        ("policy", Path(record.spec.policy).name, wish.policy.title),
    ):
        if found != wanted:
            said.append(f"the pilot's {what} is {found}, not {wanted}; its tokens are taken as they are")
    return said
