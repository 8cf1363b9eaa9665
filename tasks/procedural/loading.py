"""The procedural tasks of the catalog, made of addresses in `generate`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256

from tasks.procedural.generate import FAMILIES, LEVELS, VERSION, Generated, generate
from tasks.procedural.splits import Split
from tasks.types import InputError, Role, Source, Task

_HARD_FAMILIES = (
    "counting",
    "divisors",
    "motion",
    "operators",
    "probability",
    "relations",
    "systems",
    "weekdays",
)


@dataclass(frozen=True, slots=True)
class _Recipe:
    """Which addresses make up a task."""

    role: Role
    split: Split
    families: tuple[str, ...]
    levels: tuple[int, ...]
    first_index: int
    """Of every family at every level; two tasks of one split start far from each other."""
    num_each: int
    """Problems of each family at each level."""


_RECIPES: dict[str, _Recipe] = {
    "procedural": _Recipe("eval", "eval", tuple(FAMILIES), LEVELS, 0, 4),
    "procedural-hard": _Recipe("eval", "eval", _HARD_FAMILIES, (4, 5, 6), 1000, 16),
    "procedural-train": _Recipe("train", "train", tuple(FAMILIES), LEVELS, 0, 42),
}

NAMES: tuple[str, ...] = tuple(_RECIPES)


@cache
def load_procedural(name: str) -> Task:
    """The task of this name: 384 problems of all levels, 384 hard ones, or 4,032 for training.

    Raises InputError for any other name. For more training problems call `generate("train", …)` with higher indices.
    """
    recipe = _RECIPES.get(name)
    if recipe is None:
        raise InputError(f"unknown procedural task {name!r}; choose one of {', '.join(NAMES)}")
    made = list(_make(name, recipe))
    digest = sha256()
    for one in made:
        row = (one.problem.id, one.problem.question, one.answer, [[step.text, *step.wrong] for step in one.steps])
        digest.update(json.dumps(row, ensure_ascii=True).encode() + b"\n")
    return Task(
        name=name,
        version=VERSION,
        role=recipe.role,
        source=Source(location="generated", sha256=digest.hexdigest(), licence="MIT"),
        problems=tuple(one.problem for one in made),
        answers={one.problem.id: one.answer for one in made},
    )


def _make(name: str, recipe: _Recipe) -> Iterator[Generated]:
    """The problems of a recipe in order, with ids that start with the task's name and no question twice."""
    seen: set[str] = set()
    for family in recipe.families:
        for level in recipe.levels:
            num_made, index = 0, recipe.first_index
            while num_made < recipe.num_each:
                made = generate(recipe.split, family, level, index)
                index += 1
                if made.problem.question not in seen:
                    seen.add(made.problem.question)
                    num_made += 1
                    own_id = f"{name}/{made.problem.id.partition('/')[2]}"
                    yield replace(made, problem=replace(made.problem, id=own_id))
