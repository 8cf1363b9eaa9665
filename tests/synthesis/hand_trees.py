"""Trees of one letter per step, written by hand or drawn."""

from __future__ import annotations

import random

from rstar.synthesis.trees import Nodes, Pass, ProblemTrees
from tasks.types import Problem


def tree(*rows: tuple[int, str, float, int], trees: tuple[int, ...] = ()) -> ProblemTrees:
    """Nodes given as (parent, text, Q, label), a root before them; `trees` says which tree each row is of."""
    nodes = Nodes()
    _add(nodes, -1, "", 0.0, 0, 0)
    for number, (parent, text, q, label) in enumerate(rows):
        _add(nodes, parent, text, q, label, trees[number] if trees else 0)
    return ProblemTrees(Problem("p/1", "What?"), "1", False, (Pass(0, 4, 1),), nodes, {}, "trees-00000.parquet#0")


def _add(nodes: Nodes, parent: int, text: str, q: float, label: int, number: int) -> None:
    rollout = sum(each >= 0 for each in nodes.rollout) if label else -1
    ending = "answered" if label else "open"
    nodes.add(
        tree=number, parent=parent, text=text, q=q, visits=1, value=float(label), ending=ending,
        answer=text if label else None, label=label, rollout=rollout,
    )  # fmt: skip


def drawn(seed: int, size: int = 60) -> ProblemTrees:
    """A random tree with few different Q values and texts, so that ties and repeats occur."""
    rng = random.Random(seed)
    rows: list[tuple[int, str, float, int]] = []
    inner = [0]
    for number in range(1, size):
        parent = rng.choice(inner)
        is_end = rng.random() < 0.4
        label = rng.choice((1, -1)) if is_end else 0
        q = float(label) if is_end else rng.choice((-0.8, -0.5, 0.0, 0.25, 0.5, 0.75))
        text = "".join(rng.choices("abcdefgh ", k=rng.choice((3, 15, 25, 60))))
        rows.append((parent, text, q, label))
        if not is_end:
            inner.append(number)
    return tree(*rows)
