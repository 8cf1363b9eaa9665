"""A plan as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from harness.plan import TRAINING_GPUS, Plan
from harness.plan_rounds import reached_share
from harness.plan_speed import Range


def plan_lines(plan: Plan) -> Iterator[str]:
    """All of it, warnings last."""
    wish = plan.wish
    models = wish.policy.title + (f" with PPM {wish.reward.title}" if wish.reward else " without a reward model")
    yield f"{wish.task}: {wish.num_problems:,} problems, {models}, {wish.gpus_per_worker} x {wish.gpu.title} a worker"
    yield ""
    yield from _memory(plan)
    yield ""
    yield from _budgets(plan)
    if plan.rounds:
        yield ""
        yield from _rounds(plan)
    yield ""
    yield f"Tokens rest on {plan.tokens_rest_on}."
    yield f"Hours rest on {plan.hours_rest_on}."
    yield "Intervals are low (likely) high. Programs, starts and idle GPUs are not in the low end."
    for warning in plan.warnings:
        yield f"WARNING: {warning}"


def _memory(plan: Plan) -> Iterator[str]:
    room = plan.fit
    parts = [f"policy {_gb(room.policy)}"]
    if room.reward:
        parts.append(f"PPM {_gb(room.reward)}")
    parts += [f"activations, logits and runtime {_gb(room.working)}"]
    verdict = f"{_gb(room.left)} left for keys and values" if room.left > 0 else f"{_gb(-room.left)} TOO MUCH"
    yield f"Memory of a worker, {_gb(room.room)} to fill: {', '.join(parts)}; {verdict}"
    if room.left > 0:
        yield f"  = {room.sequences:,} solutions of the mean length in flight, {room.full_sequences:,} of the greatest"


def _budgets(plan: Plan) -> Iterator[str]:
    money = plan.wish.price is not None
    yield f"{'budget':>6}  {'tokens a problem':>28}  {'tokens in all':>24}  {'GPU-hours':>22}" + (
        f"  {'money':>22}" if money else ""
    )
    for each in plan.budgets:
        line = (
            f"{each.budget:>6}  {_range(each.tokens_per_problem):>28}  {_range(each.tokens):>24}  "
            f"{_range(each.gpu_hours):>22}"
        )
        yield line + (f"  {_range(each.money):>22}" if each.money else "")


def _rounds(plan: Plan) -> Iterator[str]:
    price = plan.wish.price
    yield "Self-evolution as in the paper, 747,000 problems a round:"
    yield (
        f"{'round':>6}  {'search tokens':>24}  {'search GPU-hours':>22}  {'training GPU-hours':>20}  paper's search"
        + (f"  {'money':>22}" if price is not None else "")
    )
    for each in plan.rounds:
        hours = _range(each.search_hours) if each.fits else "does not fit"
        this = each.round
        line = f"{this.number:>6}  {_range(each.tokens):>24}  {hours:>22}  {_range(each.training_hours):>20}  "
        line += f"{this.reported_hours:,.0f} h {this.gpu.upper()} = {reached_share(this):.0%} of the roofline"
        if price is not None and each.fits:
            both = Range(
                each.search_hours.low + each.training_hours.low,
                each.search_hours.likely + each.training_hours.likely,
                each.search_hours.high + each.training_hours.high,
            )
            line += f"  {_range(both * price):>22}"
        yield line
    yield f"  SFT with the paper's settings: {plan.training_gb:.0f} GB on each of {TRAINING_GPUS} GPUs (micro-batch 1)"
    yield "  The paper reports no training hours; numbers of examples are assumed (harness/plan_rounds.py)."


def _range(value: Range) -> str:
    if value.low == value.high:
        return short(value.likely)
    return f"{short(value.low)} ({short(value.likely)}) {short(value.high)}"


def short(value: float) -> str:
    """Three digits, with K, M, G or T for thousands."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("K", 1e4)):
        if value >= size:
            divisor = 1e3 if unit == "K" else size
            return f"{value / divisor:.3g}{unit}"
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2g}"


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
