"""How much of a score is not about mathematics: no answer, grader errors, cut-off replies; the score without them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.metrics import Estimate, accuracy, mean_of, share
from harness.records import ProblemRecord
from harness.run_folder import RunRecord
from tasks.types import InputError


@dataclass(frozen=True, slots=True)
class FailureRates:
    """One rule at one budget. The first three are shares of all problems and seeds of the run, clustered by problem."""

    no_answer: Estimate
    """Nothing was found to answer."""
    grader_error: Estimate
    """The grader gave no verdict on the answer."""
    unfinished: Estimate
    """The engine failed, or there is no record."""
    truncated: Estimate
    """Share of the trajectories that a length cap cut off, mean over problems with a record."""
    among_answered: Estimate
    """Right ones among the problems and seeds with an answer that was graded; Wilson's interval at so many. The whole
    range, 0 to 1, where there are none."""


def failure_rates(run: RunRecord, records: Iterable[ProblemRecord], rule: str, budget: int) -> FailureRates:
    """The rates of `rule` at `budget`. Raises InputError for a rule or budget that the run does not have."""
    spec, num_seeds = run.spec, len(run.spec.seeds)
    if rule not in spec.rules or budget not in spec.budgets:
        raise InputError(f"{run.id}: has no rule {rule} at budget {budget}; name one that it was run with")
    index = spec.budgets.index(budget)
    counts: dict[str, dict[str, int]] = {
        "no_answer": {},
        "grader_error": {},
        "finished": {},
        "correct": {},
        "incorrect": {},
    }
    cut: dict[str, list[float]] = {}
    for record in records:
        if record.error:
            continue
        for name in ("finished", record.verdict(rule, index)):
            counts[name][record.problem_id] = counts[name].get(record.problem_id, 0) + 1
        endings = record.endings[:budget]
        cut.setdefault(record.problem_id, []).append(endings.count("truncated") / max(1, len(endings)))

    def rate(found: dict[str, int]) -> Estimate:
        return accuracy([*found.values(), *[0] * (run.num_problems - len(found))], num_seeds)

    missing = {problem: num_seeds - count for problem, count in counts["finished"].items()}
    missing |= {f"missing {number}": num_seeds for number in range(run.num_problems - len(missing))}
    right, wrong = (sum(counts[name].values()) for name in ("correct", "incorrect"))
    shares = [sum(each) / len(each) for each in cut.values()]
    return FailureRates(
        rate(counts["no_answer"]),
        rate(counts["grader_error"]),
        rate(missing),
        mean_of(shares, num_seeds * budget) if shares else share(0, 0),
        share(right, right + wrong),
    )
