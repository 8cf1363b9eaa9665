"""Which problems of a pool may be synthesized from: every id once, no test question. One pass before any search."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from rstar.synthesis.pools import Pool, Pooled
from tasks.catalog import eval_tasks
from tasks.jsonl import shorten
from tasks.overlap import OverlapIndex
from tasks.types import InputError, Task


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """What the pass over a pool found."""

    sha256: str
    """Of ids, questions and references in order: the pool's content, wherever it lies."""
    num_problems: int
    """Admitted ones."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Id to the eval problem whose question it holds, for those that were left out."""


def tasks_against(pool: Pool, against: str = "") -> list[Task]:
    """The eval tasks whose questions must not be in `pool`: those that `against` names, by commas, or all.

    All means for generated problems the generated ones, which share nothing with the others. Raises InputError where
    one cannot be loaded.
    """
    return eval_tasks(against, only_generated=pool.is_generated)


def examine(
    pool: Pool,
    index: OverlapIndex | None,
    *,
    drop_test_questions: bool = False,
    on_row: Callable[[int], None] | None = None,
) -> PoolFacts:
    """Read a pool once. Raises InputError for a repeated id, an empty pool, and for a test question unless those are to
    be left out. Holds 8 bytes of hash per problem. `index` None looks for no test question."""
    digest, seen, left_out = hashlib.sha256(), set[int](), dict[str, str]()
    count = 0
    for count, each in enumerate(pool.read(), 1):
        _refuse_repeated(pool, each, seen)
        row = [each.problem.id, each.problem.question, each.reference]
        digest.update(json.dumps(row, ensure_ascii=True).encode() + b"\n")
        hits = index.hits(each.problem.id, each.problem.question) if index is not None else []
        if hits and not drop_test_questions:
            raise InputError(
                f"pool {pool.name}: problem {shorten(each.problem.id)} holds the test question {hits[0].problem_id}; "
                "remove it ('rstar overlap' lists all), or leave such problems out with --drop-test-questions"
            )
        if hits:
            left_out[each.problem.id] = hits[0].problem_id
        if on_row is not None:
            on_row(count)
    if count == len(left_out):
        raise InputError(f"pool {pool.name}: has no problem that may be used; name another one with --pool")
    return PoolFacts(digest.hexdigest(), count - len(left_out), left_out)


def admitted(pool: Pool, facts: PoolFacts) -> Iterator[Pooled]:
    """The problems of an examined pool that may be used."""
    return (each for each in pool.read() if each.problem.id not in facts.left_out)


def _refuse_repeated(pool: Pool, each: Pooled, seen: set[int]) -> None:
    digest = blake2b(each.problem.id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    key = int.from_bytes(digest, "big")
    if key in seen:
        raise InputError(
            f"pool {pool.name}: the id {shorten(each.problem.id)!r} stands twice; give every problem its own id"
        )
    seen.add(key)
