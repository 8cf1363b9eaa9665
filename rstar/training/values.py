"""Labelled beginnings and solutions: what Q regression (PQM) and outcome supervision (ORM) train on.

A row has `id`, `question`, `solution` (a beginning, or all of it) and `value`: Q in [-1, 1] for a PQM, +1 or -1 for an
ORM. The rows of one problem share their tokens as its pairs do (`rstar.training.preferences`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rstar.synthesis.rollouts import Rollout
from rstar.synthesis.select import with_q_values
from rstar.synthesis.trees import ProblemTrees
from rstar.training.data import refusal
from rstar.training.examples import prompt_tokens, solution_tokens
from rstar.training.preferences import PreferenceExample, token_tree
from tasks.jsonl import NumberText, Row
from tasks.tables import read_table

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Objective = Literal["pqm", "outcome"]
"""Squared error to Q at every step (paper, section 4.3, "PQM"), or cross-entropy with the label at the end (ORM)."""


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One beginning or solution and what it is worth."""

    id: str
    """The problem's id."""
    question: str
    solution: str
    value: float
    """In [-1, 1]: Q of the last step, or the label of the whole."""
    depth: int
    """Steps in `solution`."""


def value_rows(rollouts: Sequence[Rollout], objective: Objective) -> list[ValueRow]:
    """The rows of one problem's rollouts: every node of their tree with its Q, or every solution with its label.

    A solution that ended without an answer is no row of an ORM, which judges answers.
    """
    if objective == "outcome":
        return [
            ValueRow(one.id, one.question, one.solution, 1.0 if one.is_correct else -1.0, len(one.steps))
            for one in rollouts
            if one.answer is not None
        ]
    nodes: dict[tuple[str, ...], ValueRow] = {}
    for valued in with_q_values(rollouts):
        one, path = valued.rollout, valued.rollout.path
        for depth, q_value in enumerate(valued.q_values, 1):
            text = "".join(one.steps[:depth])
            nodes.setdefault(path[:depth], ValueRow(one.id, one.question, text, q_value, depth))
    return list(nodes.values())


def tree_values(trees: ProblemTrees, objective: Objective) -> list[ValueRow]:
    """The same from the search trees of one problem, no text twice.

    Q counts where a rollout passed: that of a step which none entered is the guess of the PPM that guided the search.
    """
    nodes, problem = trees.nodes, trees.problem
    passed = [number >= 0 for number in nodes.rollout]
    for node in range(len(nodes) - 1, -1, -1):
        if passed[node] and nodes.parent[node] >= 0:
            passed[nodes.parent[node]] = True
    rows: dict[str, ValueRow] = {}
    for node in range(len(nodes)):
        if nodes.parent[node] < 0 or not (nodes.label[node] if objective == "outcome" else passed[node]):
            continue
        value = float(nodes.label[node]) if objective == "outcome" else nodes.q[node]
        text = nodes.beginning(node)
        rows.setdefault(text, ValueRow(problem.id, problem.question, text, value, len(nodes.path(node))))
    return list(rows.values())


def read_values(path: Path) -> Iterator[ValueRow]:
    """The rows in a file, in order. Raises InputError for a bad row, and for one that may not be trained on."""
    for row in read_table(path):
        question = row.filled_text("question")
        why = refusal(row.id(), question)
        if why is not None:
            row.reject(f"problem {row.id()} {why}; remove it from the training data")
        depth = row.fields.get("depth", 1)
        yield ValueRow(row.id(), question, row.filled_text("solution"), _value(row), int(str(depth)))


def write_values(path: Path, rows: Iterable[ValueRow]) -> int:
    """Write one JSON object per row, replacing the file only when all are written; returns their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, count = path.with_suffix(".partial"), 0
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
            count += 1
    partial.replace(path)
    return count


def make_values(
    rows: Iterable[ValueRow], tokenizer: PreTrainedTokenizerBase, max_tokens: int, objective: Objective
) -> tuple[list[PreferenceExample], tuple[int, int, int, int]]:
    """Examples per problem, whose `outcomes` hold the targets, and the number of rows, of rows longer than
    `max_tokens`, which are left out, of tokens, and of tokens without sharing. Rows of one problem must stand
    together. The target is Q for `pqm`, 0 or 1 for `outcome`."""

    def solution_of(row: ValueRow) -> tuple[int, ...]:
        return prompt_tokens(row.question, tokenizer) + solution_tokens(row.solution, tokenizer)

    examples, kept, dropped, unshared = list[PreferenceExample](), 0, 0, 0
    for _, group in groupby(rows, key=lambda row: row.id):
        encoded = [(row, solution_of(row)) for row in group]
        short = [(row, tokens) for row, tokens in encoded if len(tokens) <= max_tokens]
        dropped += len(encoded) - len(short)
        if not short:
            continue
        tree = token_tree([tokens for _, tokens in short])
        targets = [row.value if objective == "pqm" else (row.value + 1) / 2 for row, _ in short]
        total = sum(len(tokens) for _, tokens in short)
        examples.append(PreferenceExample(tree, [], [], [], list(zip(tree.ends, targets, strict=True)), total))
        kept, unshared = kept + len(short), unshared + total
    return examples, (kept, dropped, sum(len(each.tree.tokens) for each in examples), unshared)


def _value(row: Row) -> float:
    value = row.fields.get("value")
    try:
        number = float(value) if isinstance(value, int | float | NumberText) and not isinstance(value, bool) else 2.0
    except ValueError:
        number = 2.0
    if not -1 <= number <= 1:
        row.reject("field 'value' is no number from -1 to 1")
    return number
