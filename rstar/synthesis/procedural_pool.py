"""Pools of procedural problems by address, every question once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tasks.procedural import FAMILIES, LEVELS, Generated, Split, generate

MAX_TRIES = 20
"""Draws per wanted problem before a family with few questions at a level gives up. Chosen, not tuned."""


def problem_pool(
    split: Split,
    num_each: int,
    first_index: int = 0,
    *,
    families: Sequence[str] = tuple(FAMILIES),
    levels: Sequence[int] = LEVELS,
    seen: set[str] | None = None,
) -> Iterator[Generated]:
    """Up to `num_each` problems of each family and level, from `first_index` on, in the order of the families.

    Questions in `seen` are left out, and the ones that are given are added to it. A family that has fewer different
    questions at a level gives fewer. Raises InputError as `generate` does.
    """
    known = set() if seen is None else seen
    for family in families:
        for level in levels:
            yield from _cell(
                split, family, level, range(first_index, first_index + MAX_TRIES * num_each), num_each, known
            )


def _cell(split: Split, family: str, level: int, indices: range, count: int, seen: set[str]) -> Iterator[Generated]:
    for index in indices:
        if count == 0:
            return
        made = generate(split, family, level, index)
        if made.problem.question not in seen:
            seen.add(made.problem.question)
            count -= 1
            yield made
