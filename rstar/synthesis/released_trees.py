"""Search trees as the official rStar-Math code writes them (`main.py`): a line per tree, in and out.

    {"question": …, "answer": …, "rstar": {"0": {…}, "0.1": {…}, "0.2": {…}, "0.1.1": {…}}}

A node has `text`, `extra_info`, `action`, `action_input`, `final_answer`, `value`, `q_value`, `visit_count`. The root
is "0", a child's tag its parent's with a number behind it. Why a leaf without an answer ended is its `final_answer`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from rstar.prompts import ANSWER, OUTPUT
from rstar.synthesis.json_stream import stream_rows
from rstar.synthesis.trees import RIGHT, UNLABELLED, WRONG, Nodes, Pass, ProblemTrees
from tasks.jsonl import Row
from tasks.types import Problem, Reference

ROOT = "0"
ENDING_NOTES: Mapping[str, str] = {
    "code_error": "Too many consecutive steps have code errors.",
    "max_depth": "Fail to sove the problem within limited steps.",
    "unparsable": "Fail to generate parsable text for next step.",
    "truncated": "Fail to generate parsable text for next step.",
}
"""What the official code writes as `final_answer` of a leaf that has none, spelling included: part of the format."""
_ENDINGS = {note: ending for ending, note in ENDING_NOTES.items() if ending != "truncated"}
IsRight = Callable[[str, Reference], bool]


def import_trees(path: Path, is_right: IsRight | None = None) -> Iterator[ProblemTrees]:
    """The problems of an official rollout file; lines with the same `id` that follow each other are one problem.

    An answer's label is its Q where that is +1 or -1, as in a sampling run; the answers of an evaluation carry a PPM's
    value and stay without a label, unless `is_right` judges them. Raises InputError for a row of another form.
    """
    numbered = enumerate(stream_rows(path), 1)
    for key, group in groupby(numbered, key=lambda each: str(each[1].fields.get("id") or each[0])):
        yield _problem(f"{path.stem}/{key.removeprefix(path.stem + '/')}", [row for _, row in group], is_right)


def export_trees(trees: ProblemTrees) -> Iterator[dict[str, Any]]:
    """One official line per tree of a problem, with its id on top."""
    reference = trees.reference if isinstance(trees.reference, str) else list(trees.reference)
    head = {"id": trees.problem.id, "question": trees.problem.question, "answer": reference}
    nodes = trees.nodes
    tags: list[str] = []
    children = [0] * len(nodes)
    states: dict[int, dict[str, Any]] = {}
    for node, parent in enumerate(nodes.parent):
        if parent >= 0:
            children[parent] += 1
        tags.append(f"{tags[parent]}.{children[parent]}" if parent >= 0 else ROOT)
        states.setdefault(nodes.tree[node], {})[tags[node]] = _state(trees, node)
    for state in states.values():
        yield head | {"rstar": state}


def _state(trees: ProblemTrees, node: int) -> dict[str, Any]:
    nodes = trees.nodes
    text, ending = nodes.text[node], nodes.ending[node]
    is_code = bool(text) and ANSWER not in text and nodes.answer[node] is None
    return {
        "text": text,
        "extra_info": "" if text else f"question: {trees.problem.question}",
        "action": "python_interpreter" if is_code else "",
        "action_input": text.partition(f"\n{OUTPUT}")[0] if is_code else "",
        "final_answer": nodes.answer[node] or ENDING_NOTES.get(ending, ""),
        "value": nodes.value[node],
        "q_value": nodes.q[node],
        "visit_count": nodes.visits[node],
    }


def _problem(id_: str, rows: list[Row], is_right: IsRight | None) -> ProblemTrees:
    first = rows[0]
    problem, reference = Problem(id_, first.filled_text("question")), _reference(first)
    nodes = Nodes()
    for number, row in enumerate(rows):
        _add_tree(nodes, number, row, reference, is_right)
    budget = sum(number >= 0 for number in nodes.rollout)
    return ProblemTrees(problem, reference, False, (Pass(0, budget, len(rows)),), nodes)


def _reference(row: Row) -> Reference:
    value = row.fields.get("answer", "")
    return tuple(map(str, value)) if isinstance(value, list) else str(value)


def _add_tree(nodes: Nodes, number: int, row: Row, reference: Reference, is_right: IsRight | None) -> None:
    states = row.fields.get("rstar")
    if not isinstance(states, dict) or ROOT not in states:
        row.reject("field 'rstar' holds no tree with a root '0'; this is no official rollout file")
    order = sorted(states, key=lambda tag: _address(row, tag))
    place: dict[str, int] = {}
    is_inner = {tag.rpartition(".")[0] for tag in order}
    for tag in order:
        above = tag.rpartition(".")[0]
        if tag != ROOT and above not in place:
            row.reject(f"field 'rstar': node '{tag}' has no parent '{above}'; the file is damaged")
        place[tag] = len(nodes)
        parent = place[above] if tag != ROOT else -1
        _add_node(nodes, number, parent, _checked(row, tag, states[tag]), reference, is_right, tag in is_inner)


def _add_node(
    nodes: Nodes,
    number: int,
    parent: int,
    state: dict[str, Any],
    reference: Reference,
    is_right: IsRight | None,
    is_inner: bool,
) -> None:
    final, q = str(state.get("final_answer") or ""), float(state["q_value"])
    is_answer = bool(final) and final not in _ENDINGS and not is_inner
    label = UNLABELLED
    if is_answer and is_right is not None:
        label = RIGHT if is_right(final, reference) else WRONG
    elif is_answer and q in (1.0, -1.0):
        label = RIGHT if q > 0 else WRONG
    is_counted = is_answer and int(state["visit_count"]) > 0
    nodes.add(
        tree=number,
        parent=parent,
        text=str(state["text"]),
        q=q,
        visits=int(state["visit_count"]),
        value=float(state["value"]),
        ending="answered" if is_answer else _ENDINGS.get(final, "open"),
        answer=final if is_answer else None,
        label=label,
        rollout=sum(each >= 0 for each in nodes.rollout) if is_counted else -1,
    )


def _checked(row: Row, tag: str, state: Any) -> dict[str, Any]:
    if not isinstance(state, dict):
        row.reject(f"field 'rstar': node '{tag}' is no object; the file is damaged")
    for name in ("text", "value", "q_value", "visit_count"):
        if name not in state or (name != "text" and not isinstance(state[name], int | float)):
            row.reject(f"field 'rstar': node '{tag}' has no {name}; this is no rollout of a tree search")
    checked: dict[str, Any] = state
    return checked


def _address(row: Row, tag: str) -> tuple[int, ...]:
    """Depth first, then the numbers: parents before children, siblings in order."""
    parts = tag.split(".")
    if not all(part.isdecimal() for part in parts):
        row.reject(f"field 'rstar': {tag!r} is no node's tag, which is numbers joined by dots")
    return (len(parts), *map(int, parts))
