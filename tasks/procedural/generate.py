"""Problems of the procedural families by address: split, family, level, index."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tasks.procedural.areas import areas
from tasks.procedural.averages import averages
from tasks.procedural.counting import counting
from tasks.procedural.divisors import divisors
from tasks.procedural.draw import Draw
from tasks.procedural.equations import equations
from tasks.procedural.motion import motion
from tasks.procedural.operators import operators
from tasks.procedural.percentages import percentages
from tasks.procedural.polynomials import polynomials
from tasks.procedural.probability import probability
from tasks.procedural.ratios import ratios
from tasks.procedural.relations import relations
from tasks.procedural.sequences import sequences
from tasks.procedural.shopping import shopping
from tasks.procedural.solution import Draft, SolutionStep
from tasks.procedural.splits import SPLITS, Split, split_of
from tasks.procedural.systems import systems
from tasks.procedural.weekdays import weekdays
from tasks.types import InputError, Problem

VERSION = "1"
"""Part of every address: raise it when any family changes, since its problems then change too."""

LEVELS = (1, 2, 3, 4, 5, 6)

FAMILIES: dict[str, Callable[[Draw, int], Draft | None]] = {
    "areas": areas,
    "averages": averages,
    "counting": counting,
    "divisors": divisors,
    "equations": equations,
    "motion": motion,
    "operators": operators,
    "percentages": percentages,
    "polynomials": polynomials,
    "probability": probability,
    "ratios": ratios,
    "relations": relations,
    "sequences": sequences,
    "shopping": shopping,
    "systems": systems,
    "weekdays": weekdays,
}
"""Name to family; a family returns None for a draw that makes no problem, and the next attempt is drawn."""

TASK_OF_SPLIT: dict[Split, str] = {
    "train": "procedural-train",
    "validation": "procedural-validation",
    "eval": "procedural",
}
"""The first part of a problem's id. `procedural-validation` is no task of the catalog: only `generate` makes it."""

_MAX_ATTEMPTS = 10_000
"""Reached only by a family that cannot make a problem at all: the rarest split takes one draw in 128."""

_ID = re.compile(r"(?P<task>[a-z-]+)/(?P<family>[a-z]+)-(?P<level>\d)-(?P<index>\d{4,})")


@dataclass(frozen=True, slots=True)
class Generated:
    """A problem with its exact answer and its worked solution; only the problem may be shown to a search."""

    problem: Problem
    answer: str
    """A whole number, a fraction in lowest terms as `3/7`, or a weekday."""
    steps: tuple[SolutionStep, ...]
    """level + 1 steps that compute, then one that prints."""


def generate(split: Split, family: str, level: int, index: int) -> Generated:
    """The problem at an address; any index from 0 up works, and the same address always gives the same problem.

    Two indices of one split may give the same question where a family's numbers are few (low levels of some families,
    and the small splits more often); two splits never do, whatever the index. Raises InputError for an unknown split,
    family or level or a negative index.
    """
    _check(split, family, level, index)
    for attempt in range(_MAX_ATTEMPTS):
        draft = FAMILIES[family](Draw(VERSION, split, family, level, index, attempt), level)
        if draft is not None and split_of(draft.question) == split:
            name = f"{TASK_OF_SPLIT[split]}/{family}-{level}-{index:04d}"
            problem = Problem(name, draft.question, subject=family, level=str(level))
            return Generated(problem, draft.answer, draft.steps)
    raise AssertionError(f"family {family} makes no problem for split {split} at level {level}")


def generate_by_id(problem_id: str) -> Generated:
    """The problem with this id, e.g. `procedural-train/relations-4-0017`; ids of `procedural-hard` work as well.

    Raises InputError for anything that is not such an id.
    """
    found = _ID.fullmatch(problem_id)
    splits: dict[str, Split] = {task: split for split, task in TASK_OF_SPLIT.items()}
    split = splits.get(found["task"].removesuffix("-hard")) if found else None
    if not found or split is None:
        raise InputError(f"{problem_id!r} is no id of a generated problem; write one as procedural/relations-4-0017")
    made = generate(split, found["family"], int(found["level"]), int(found["index"]))
    return replace(made, problem=replace(made.problem, id=problem_id))


def _check(split: str, family: str, level: int, index: int) -> None:
    if split not in SPLITS:
        raise InputError(f"unknown split {split!r}; choose one of {', '.join(SPLITS)}")
    if family not in FAMILIES:
        raise InputError(f"unknown procedural family {family!r}; choose one of {', '.join(FAMILIES)}")
    if level not in LEVELS:
        raise InputError(f"level {level} of procedural problems does not exist; choose 1 to 6")
    if index < 0:
        raise InputError(f"index {index} is negative; count procedural problems from 0")
