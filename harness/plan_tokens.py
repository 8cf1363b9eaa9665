"""How many tokens a search will write: from the paper's table, or from the records of a pilot.

Table 9 of the paper (arXiv 2501.04519) has mean generated tokens per trajectory, at 32 candidates a step. A budget of N
is taken for N such trajectories; with fewer candidates, for as much less. Two things make that uncertain, and are in
the interval:

- If the table shows the first descent of a tree, later trajectories cost less: they share steps. Our own tree of 32
  trajectories cost 14.9 times its first one (`results/procedural`, tree search: 6,010 and 404 tokens), so N of them
  cost N^0.78 first ones. That is the low end.
- The table is a mean over problems of a benchmark, and no spread is given. For the mean over M problems, two standard
  errors are allowed at a spread as large as the mean. That widens both ends.

A trajectory in the released code is something else, a whole tree of 12 rollouts (README). That would be `TREE_FACTOR`
times as much; it is said and not mixed in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.distributions import student_quantile
from harness.plan_speed import Range
from harness.record_file import read_records
from harness.records import ProblemRecord
from harness.run_folder import RECORDS, RunRecord
from tasks.types import InputError

TABLE_9: Mapping[str, float] = {
    "math": 5453, "math500": 5453, "aime2024": 15693, "aime2025": 15693, "amc2023": 14544, "olympiadbench": 7889,
    "college_math": 4503, "gsm8k": 3299, "gaokao2023en": 6375,
}  # fmt: skip
"""Tokens per trajectory by task. Its MATH is MATH-500; AIME 2025 is taken for AIME 2024."""
TABLE_CANDIDATES = 32
"""Per step, in the paper's tests (section 4.1)."""
SHARING = 0.78
"""Exponent of N: log(6,010 / 404) / log(32), see above."""
TREE_FACTOR = 12**SHARING
"""A tree of 12 rollouts (released `sft_eval_mcts.yaml`) beside one trajectory."""
QUESTION_TOKENS = 100
"""Of a question with the prompt's words. Chosen: MATH questions have about 70."""
_SPREAD = 1.0
"""Of tokens between problems, as a share of the mean. Chosen; a pilot shows its own."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one problem takes at one budget: a mean over the problems of a task."""

    budget: int
    written: Range
    """By the policy."""
    judged: Range
    """Read by the reward model and not in its cache."""


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """All budgets, and what they rest on."""

    at: tuple[Tokens, ...]
    mean_context: float
    """Tokens of question and solution, on average while it is written."""
    rests_on: str
    warnings: tuple[str, ...] = ()


def from_paper(task: str, budgets: Sequence[int], num_problems: int, candidates: int) -> TokenPlan:
    """By Table 9. A task that is not in it gets the range of those that are, and a warning."""
    share = candidates / TABLE_CANDIDATES
    known = TABLE_9.get(task)
    each = (
        Range(min(TABLE_9.values()), math.sqrt(min(TABLE_9.values()) * max(TABLE_9.values())), max(TABLE_9.values()))
        if known is None
        else Range(known, known, known)
    ) * share
    error = 2 * _SPREAD / math.sqrt(num_problems)
    found = []
    for budget in budgets:
        growth = Range(budget**SHARING * max(0.0, 1 - error), budget, budget * (1 + error))
        written = each.times(growth)
        # With the tokens before it in its cache, the PPM reads each step once: what was written.
        found.append(Tokens(budget, written, written))
    trees = (
        f"the released code calls a whole tree of 12 rollouts a trajectory; if you count so, take {TREE_FACTOR:.0f} "
        "times these tokens, hours and costs"
    )
    warnings = [trees]
    if known is None:
        warnings.insert(
            0, f"the paper has no token counts for {task}: from its cheapest to its dearest benchmark; use --pilot"
        )
    source = (
        f"Table 9 of arXiv 2501.04519 ({each.likely:,.0f} tokens a trajectory at {candidates} candidates)"
        if known is not None
        else "the range of Table 9 of arXiv 2501.04519"
    )
    solution = each.likely / candidates
    return TokenPlan(tuple(found), QUESTION_TOKENS + solution / 2, source, tuple(warnings))


def from_pilot(folder: Path, budgets: Sequence[int]) -> TokenPlan:
    """By the records of a run: mean and 95 % interval (Student's t over problems) at each budget.

    A budget beyond the pilot's grows from its last one as N^`SHARING` to N. Raises InputError for no run, one without
    two finished problems, and a budget between the pilot's that was not recorded.
    """
    run = RunRecord.read(folder)
    done = [record for record in read_records(folder / RECORDS) if not record.error]
    by_problem = len({record.problem_id for record in done})
    if by_problem < 2:
        raise InputError(f"--pilot {folder}: has {by_problem} finished problems; two are the least that show a spread")
    largest = run.spec.budgets[-1]
    found = []
    for budget in budgets:
        counted = min(budget, largest)
        written = _interval(done, counted, ("completion_tokens",), ())
        judged = _interval(done, counted, ("reward_tokens",), ("cached_reward_tokens",))
        if budget > largest:
            ratio = budget / largest
            growth = Range(ratio**SHARING, math.sqrt(ratio**SHARING * ratio), ratio)
            written, judged = written.times(growth), judged.times(growth)
        found.append(Tokens(budget, written, judged))
    context = _mean(done, "prompt_tokens") / max(1.0, _mean(done, "requests"))
    beyond = [str(budget) for budget in budgets if budget > largest]
    warnings = []
    if beyond:
        warnings.append(f"the pilot ends at a budget of {largest}; {', '.join(beyond)} is extrapolated from there")
    return TokenPlan(
        tuple(found),
        max(1.0, context),
        f"{by_problem} problems of {run.id} (95 % interval of the mean)",
        tuple(warnings),
    )


def _interval(done: Sequence[ProblemRecord], budget: int, plus: Sequence[str], minus: Sequence[str]) -> Range:
    """Mean of a count per search, and Student's 95 % interval over problems, cut at 0."""
    values: dict[str, list[float]] = {}
    for record in done:
        counts = record.usage or {}
        place = record.num_counted(budget) - 1
        value = sum(counts[name][place] for name in plus) - sum(counts[name][place] for name in minus)
        values.setdefault(record.problem_id, []).append(float(value))
    means = [sum(each) / len(each) for each in values.values()]
    mean = sum(means) / len(means)
    deviation = math.sqrt(sum((each - mean) ** 2 for each in means) / (len(means) - 1))
    half = student_quantile(0.975, len(means) - 1) * deviation / math.sqrt(len(means))
    return Range(max(0.0, mean - half), mean, mean + half)


def _mean(done: Sequence[ProblemRecord], name: str) -> float:
    return sum((record.usage or {})[name][-1] for record in done) / len(done)
