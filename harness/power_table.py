"""`rstar power` as a table: per number of seeds the smallest gap, the chance to find one, the problems needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.grade_summary import aligned
from harness.power import MOST_PROBLEMS, MOST_SEEDS, Comparison, detectable_gap, power, problems_needed, seeds_needed


@dataclass(frozen=True, slots=True)
class Question:
    """What a user wants to know before the run."""

    subject: str
    """The task, or what stands in for it."""
    num_problems: int
    seeds: tuple[int, ...]
    gap: float | None
    """0 to 1; None: only the smallest gap that can be seen."""
    wanted: float
    """The chance with which the gap is to be found, 0 to 1."""
    comparison: Comparison
    source: str
    """Where accuracy and correlations come from."""


@dataclass(frozen=True, slots=True)
class Row:
    """One number of seeds."""

    seeds: int
    paired: bool
    power: float | None
    """Chance to find the gap; None without one."""
    detectable_gap: float | None
    """Smallest gap found with the wanted chance; None where there is none."""
    problems_needed: int | None
    """With so many seeds; None without a gap, and where `MOST_PROBLEMS` do not do."""


def rows(question: Question) -> list[Row]:
    """The paired comparison first, then the unpaired one, for each number of seeds."""
    found = []
    for paired in (True, False):
        plan = replace(question.comparison, is_paired=paired)
        for seeds in question.seeds:
            gap, wanted, problems = question.gap, question.wanted, question.num_problems
            found.append(
                Row(
                    seeds,
                    paired,
                    None if gap is None else power(plan, gap, problems, seeds),
                    detectable_gap(plan, problems, seeds, wanted),
                    None if gap is None else problems_needed(plan, gap, seeds, wanted),
                )
            )
    return found


def power_lines(question: Question) -> Iterator[str]:
    """The answer in one sentence, the table, and what it rests on."""
    found = rows(question)
    yield _answer(question, found)
    for paired, title in (
        (True, "Same problems, compared problem by problem (as 'rstar compare' does)"),
        (False, "Compared by their two accuracies alone"),
    ):
        yield ""
        yield title
        yield ""
        yield from aligned(_cells(question, [row for row in found if row.paired == paired]), num_left=0)
    plan = question.comparison
    yield ""
    yield (
        f"Assumed: the worse system is right in {100 * plan.accuracy:.1f} % of its runs; correlation between two of "
        f"its runs on one problem {plan.repeat_correlation:.2f}, between the two systems {plan.correlation:.2f} "
        f"({question.source}). Two-sided tests, {100 * plan.level:g} % false alarms."
    )


def for_json(question: Question) -> dict[str, Any]:
    """Everything, with names that stay; shares are 0 to 1."""
    paired = replace(question.comparison, is_paired=True)
    assumed = asdict(question.comparison)
    del assumed["is_paired"]
    return {
        "subject": question.subject,
        "num_problems": question.num_problems,
        "gap": question.gap,
        "wanted_power": question.wanted,
        "assumed": assumed,
        "source": question.source,
        "paired_seeds_needed": None
        if question.gap is None
        else seeds_needed(paired, question.gap, question.num_problems, question.wanted),
        "rows": [asdict(row) for row in rows(question)],
    }


def _answer(question: Question, found: Sequence[Row]) -> str:
    problems = f"{question.num_problems:,} problem{'' if question.num_problems == 1 else 's'}"
    chance = f"{100 * question.wanted:g} %"
    plan = replace(question.comparison, is_paired=True)
    if question.gap is None:
        smallest = found[0].detectable_gap
        what = "no gap can" if smallest is None else f"a gap of {100 * smallest:.1f} points can"
        return (
            f"{question.subject}, {problems}: with {_seeds(found[0].seeds)} {what} be seen with a chance of {chance}."
        )
    gap = f"a gap of {100 * question.gap:g} points"
    seeds = seeds_needed(plan, question.gap, question.num_problems, question.wanted)
    if seeds is not None:
        return f"{question.subject}, {problems}: {gap} is seen with a chance of {chance} from {_seeds(seeds)} on."
    most = found[len(question.seeds) - 1]
    more = "not even that helps" if most.problems_needed is None else f"take {most.problems_needed:,} problems"
    return (
        f"{question.subject}, {problems}: {gap} cannot be seen with a chance of {chance} by up to {MOST_SEEDS:,} "
        f"seeds; {more} with {_seeds(most.seeds)}."
    )


def _cells(question: Question, found: Sequence[Row]) -> list[list[str]]:
    header = ["seeds", f"smallest gap seen in {100 * question.wanted:g} %"]
    if question.gap is not None:
        header += [f"chance to see {100 * question.gap:g} points", "problems needed for that"]
    table = [header]
    for row in found:
        cells = [str(row.seeds), "none" if row.detectable_gap is None else f"{100 * row.detectable_gap:.1f} points"]
        if question.gap is not None:
            needed = f"more than {MOST_PROBLEMS:,}" if row.problems_needed is None else f"{row.problems_needed:,}"
            cells += [f"{100 * (row.power or 0.0):.0f} %", needed]
        table.append(cells)
    return table


def _seeds(number: int) -> str:
    return f"{number:,} seed{'' if number == 1 else 's'} per problem"
