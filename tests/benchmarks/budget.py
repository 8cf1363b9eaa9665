"""Accuracy against tokens: the released way of spending a budget, one tree by the released rules, and other searches.

Released way: a trajectory is a whole run (12 rollouts, 32 candidates) of which the best answer is kept; 64 trajectories
are 64 runs. All searches have the same stand-in policy and reward. A row is a search, a rule and a budget; tokens are
those that the policy wrote, and all that the models read and wrote, per problem.

    python tests/benchmarks/budget.py --problems 24 --json /tmp/budget.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from fake_source import DEFAULT_PATH, load_source

from rstar.engines.arithmetic import Arithmetic
from rstar.engines.scripted import ScriptedInterpreter, ScriptedPolicy, ScriptedReward
from rstar.search.config import SearchConfig
from rstar.search.mcts import MctsConfig
from rstar.search.presets import METHODS, PRESETS
from rstar.search.voting import RULES, Rule, choose_answers
from rstar.types import SearchResult
from tasks.types import Problem

BUDGETS = (1, 2, 4, 8, 16, 32, 64)
RELEASED = "released: 64 runs"
SEARCHES: dict[str, tuple[str, SearchConfig]] = {
    RELEASED: ("mcts", PRESETS["official-eval"].config),
    "released rules, one tree": ("mcts", MctsConfig(variant="official", budget=64)),
    "paper, 32 candidates": ("mcts", MctsConfig(variant="paper", budget=64)),
    "paper, 8 candidates": ("mcts", MctsConfig(variant="paper", budget=64, num_candidates=8)),
    "paper, 4 candidates": ("mcts", MctsConfig(variant="paper", budget=64, num_candidates=4)),
    "samples": ("sample", SearchConfig(budget=64)),
    "dvts, 4 candidates": ("dvts", PRESETS["dvts"].config),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One search at one budget, answered by one rule."""

    search: str
    rule: Rule
    budget: int
    accuracy: float
    written_tokens: float
    all_tokens: float


def text_classes(answers: Sequence[str]) -> list[int]:
    """The stand-in's answers are whole numbers: equal means equal text."""
    return [list(dict.fromkeys(answers)).index(answer) for answer in answers]


def solve(source: ModuleType, problems: Sequence[Problem], name: str, seed: int) -> list[SearchResult]:
    """All problems by one search."""
    method, config = SEARCHES[name]
    policy, reward = ScriptedPolicy(source), ScriptedReward(source)
    interpreter = ScriptedInterpreter(Arithmetic())

    async def one(problem: Problem) -> SearchResult:
        return await METHODS[method].search(problem, policy, reward, interpreter, config, seed)

    async def all_of_them() -> list[SearchResult]:
        return [await one(problem) for problem in problems]

    return asyncio.run(all_of_them())


def rows_of(name: str, results: Sequence[SearchResult], references: Sequence[str], seed: int) -> list[Row]:
    """Accuracy and mean tokens at every budget and rule."""
    chosen = [choose_answers(result, RULES, BUDGETS, classes=text_classes, seed=seed) for result in results]
    rows = []
    for budget in BUDGETS:
        usage = [result.usage_at[min(budget, len(result.usage_at)) - 1] for result in results]
        written = statistics.fmean(each.completion_tokens for each in usage)
        read = statistics.fmean(each.prompt_tokens + each.reward_tokens for each in usage)
        for rule in RULES:
            right = [answers[rule, budget] == reference for answers, reference in zip(chosen, references, strict=True)]
            rows.append(Row(name, rule, budget, statistics.fmean(right), written, written + read))
    return rows


def cheapest(rows: Sequence[Row], accuracy: float) -> Row | None:
    """The smallest budget from which on the accuracy never falls below `accuracy`; `rows` ascend in their budget.

    A first lucky budget does not count: what it reaches must last.
    """
    lasting = None
    for row in reversed(rows):
        if row.accuracy < accuracy:
            break
        lasting = row
    return lasting


def report(rows: Sequence[Row]) -> None:
    """A table for each search, then what the released way's accuracies cost elsewhere."""
    for name in SEARCHES:
        print(f"\n{name}\n  budget   tokens written   " + "".join(f"{rule:>10}" for rule in RULES))
        for budget in BUDGETS:
            group = [row for row in rows if (row.search, row.budget) == (name, budget)]
            print(
                f"  {budget:6}   {group[0].written_tokens:14,.0f}   "
                + "".join(f"{row.accuracy:10.1%}" for row in group)
            )
    for goal in (row for row in rows if row.search == RELEASED and row.budget == BUDGETS[-1]):
        print(f"\n{RELEASED} by {goal.rule}: {goal.accuracy:.1%} for {goal.written_tokens:,.0f} tokens")
        print("by the same rule, the budget from which on it is as accurate:")
        for name in SEARCHES:
            row = cheapest([row for row in rows if (row.search, row.rule) == (name, goal.rule)], goal.accuracy)
            print(f"  {name:26} {'not reached' if row is None else cost_beside(row, goal)}")


def cost_beside(row: Row, goal: Row) -> str:
    """What `row` costs, and which part of `goal`'s cost that is."""
    written, everything = goal.written_tokens / row.written_tokens, goal.all_tokens / row.all_tokens
    return (
        f"at {row.budget:2}: {row.written_tokens:11,.0f} tokens, 1/{written:,.0f} (1/{everything:,.0f} with those read)"
    )


def main() -> None:
    """Print the tables; write the rows where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fake-policy", type=Path, default=DEFAULT_PATH, help="the stand-in policy's file")
    parser.add_argument("--problems", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the rows here")
    arguments = parser.parse_args()
    source = load_source(arguments.fake_policy)
    made = source.make_problems(arguments.problems, arguments.seed)
    problems = [Problem(f"fake/{number}", each["question"]) for number, each in enumerate(made)]
    references = [each["answer"] for each in made]
    rows: list[Row] = []
    for name in SEARCHES:
        rows += rows_of(name, solve(source, problems, name, arguments.seed), references, arguments.seed)
    report(rows)
    if arguments.json:
        arguments.json.write_text(
            json.dumps([{field: getattr(row, field) for field in Row.__slots__} for row in rows]) + "\n"
        )


if __name__ == "__main__":
    main()
