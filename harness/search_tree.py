"""A search as a tree to be looked at: nodes as parallel lists, and which rollout made, entered and ended at which.

Two origins. `search`: every node that the search made, grown again from its journal. `solutions`: only the finished
solutions were kept; equal beginnings are one node, and nothing is known of what was tried and dropped.

Time is counted in finished trajectories: rollout r ends at a node, its value was backed up from `rollouts[r].backup`,
and a node of `born` r was made on the way. Where N of every node is its initial visits and the rollouts through it
(`is_counted`), the tree after any rollout can be computed from the last one; a search that backs up what it does not
record (`counts: trees`) is shown with its final numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from harness.exports.exported_run import clean
from harness.kept_searches import Call
from rstar.prompts import step_text
from rstar.search.tree import Node
from rstar.types import Ending, ExecutionStatus, SearchResult, Step, Trajectory

FORMAT = "rstar-tree-1"
Origin = Literal["search", "solutions"]
ENDINGS: tuple[str, ...] = get_args(Ending)
STATUSES: tuple[str, ...] = ("", *get_args(ExecutionStatus))
"""The empty one: no program, or one whose outcome was not kept."""
HOLE = "\0"
"""Stands in a node's frame where its code is: most frames are then the same few texts."""
_DIGITS = 4
"""Of Q and values; a screen shows two. Chosen, not tuned."""


@dataclass(slots=True)
class TreeColumns:
    """Entry i of every list is node i; parents stand before children. Texts are positions in `SearchTree.texts`."""

    parent: list[int] = field(default_factory=list)
    """-1 for a root, which has no step."""
    frame: list[int] = field(default_factory=list)
    """The step as the policy wrote it, its code replaced by `HOLE`."""
    code: list[int] = field(default_factory=list)
    """-1: a step without code."""
    stdout: list[int] = field(default_factory=list)
    error: list[int] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    """Position in `STATUSES`."""
    ending: list[int] = field(default_factory=list)
    """Position in `ENDINGS`."""
    answer: list[int] = field(default_factory=list)
    """-1: no answer."""
    value: list[float | None] = field(default_factory=list)
    """What the reward model said, in [-1, 1]; None where it was not asked or that is not known."""
    visits: list[int] = field(default_factory=list)
    """N at the end, initial ones included."""
    initial: list[int] = field(default_factory=list)
    """The part of N that is no rollout."""
    q: list[float] = field(default_factory=list)
    """Q at the end, in [-1, 1]."""
    closed: list[int] = field(default_factory=list)
    """1: no rollout may enter any more."""
    born: list[int] = field(default_factory=list)
    """The rollout that made it, from 0."""

    def __len__(self) -> int:
        return len(self.parent)


@dataclass(frozen=True, slots=True)
class Rollout:
    """Where a finished trajectory ended."""

    end: int
    backup: int
    """The lowest node that its value was added to: the end, or the node above one that failed."""


@dataclass(slots=True)
class SearchTree:
    """All trees of one search of one problem."""

    problem_id: str
    origin: Origin
    nodes: TreeColumns = field(default_factory=TreeColumns)
    texts: list[str] = field(default_factory=lambda: [""])
    rollouts: list[Rollout] = field(default_factory=list)
    is_counted: bool = True
    _places: dict[str, int] = field(default_factory=lambda: {"": 0})

    def add(self, parent: int, step: Step | None, trajectory: Trajectory, **values: Any) -> int:
        """Append a node, and return its number; the root's `step` is None."""
        nodes, number = self.nodes, len(self.nodes)
        execution = step.execution if step else None
        frame, code = _framed(step) if step else ("", "")
        row = {
            "parent": parent,
            "frame": self._text(frame),
            "code": self._text(code) if code else -1,
            "stdout": self._text(execution.stdout if execution else ""),
            "error": self._text(execution.error if execution else ""),
            "status": STATUSES.index(execution.status) if execution else 0,
            "ending": ENDINGS.index(trajectory.ending),
            "answer": -1 if trajectory.answer is None else self._text(trajectory.answer),
            "value": None, "visits": 0, "initial": 0, "q": 0.0, "closed": 0, "born": 0,
        } | values  # fmt: skip
        for each in fields(nodes):
            getattr(nodes, each.name).append(row[each.name])
        return number

    def content(self) -> dict[str, Any]:
        """The tree as JSON; docs/trees.md describes it."""
        columns = {each.name: getattr(self.nodes, each.name) for each in fields(self.nodes)}
        return {
            "format": FORMAT,
            "problem_id": clean(self.problem_id),
            "origin": self.origin,
            "is_counted": self.is_counted,
            "texts": self.texts,
            "nodes": columns,
            "rollouts": [[each.end, each.backup] for each in self.rollouts],
        }

    def _text(self, text: str) -> int:
        text = clean(text)
        place = self._places.get(text)
        if place is None:
            place = self._places[text] = len(self.texts)
            self.texts.append(text)
        return place


def search_tree(result: SearchResult, calls: Sequence[Call] = (), *, origin: Origin = "search") -> SearchTree:
    """The tree of a search: its own where it has one, else the one that its trajectories make.

    With `calls`, what a search without trees asked the reward about is in the tree too, continued or not.
    """
    tree = SearchTree(result.problem_id, origin)
    if result.trees:
        _add_grown(tree, result)
    else:
        _add_merged(tree, result, calls)
    _date(tree)
    return tree


def _add_grown(tree: SearchTree, result: SearchResult) -> None:
    scored = {id(node.trajectory) for root in result.trees for node in _scored(root)}
    place: dict[int, int] = {}
    ends: dict[int, int] = {}
    for root in result.trees:
        for node in root.walk():
            steps = node.trajectory.steps
            number = tree.add(
                -1 if node.parent is None else place[id(node.parent)],
                steps[-1] if steps else None,
                node.trajectory,
                value=round(node.value, _DIGITS) if id(node.trajectory) in scored else None,
                visits=node.visit_count,
                initial=node.initial_visits,
                q=round(node.q_value, _DIGITS),
                closed=int(node.is_closed),
            )
            place[id(node)] = ends[id(node.trajectory)] = number
    for trajectory in result.trajectories:
        end = ends[id(trajectory)]
        # A failed step was closed when it was made: what ended the rollout was the node above it.
        backup = end if trajectory.ending == "answered" else tree.nodes.parent[end]
        tree.rollouts.append(Rollout(end, backup))


def _scored(root: Node) -> Iterator[Node]:
    """The nodes that the reward model was asked about: ends with an answer, and open steps where steps are scored."""
    for node in root.walk():
        if node.trajectory.ending == "answered" or (node.initial_visits and node.trajectory.ending == "open"):
            yield node


def _add_merged(tree: SearchTree, result: SearchResult, calls: Sequence[Call]) -> None:
    root = tree.add(-1, None, Trajectory(result.trajectories[0].problem) if result.trajectories else _nothing())
    known: dict[tuple[int, str], int] = {}
    for call in calls:
        for trajectory, value in zip(call.trajectories, call.values, strict=True):
            end = _insert(tree, root, known, trajectory)
            tree.nodes.value[end] = round(value, _DIGITS)
    sums = [0.0] * len(tree.nodes)
    for trajectory, value in zip(result.trajectories, result.values, strict=True):
        end = _insert(tree, root, known, trajectory)
        sums += [0.0] * (len(tree.nodes) - len(sums))
        if trajectory.ending == "answered":
            tree.nodes.value[end] = round(value, _DIGITS)
        tree.rollouts.append(Rollout(end, end))
        for node in _upwards(tree.nodes.parent, end):
            tree.nodes.visits[node] += 1
            sums[node] += value
    tree.nodes.q[:] = [
        round(total / visits, _DIGITS) if visits else value or 0.0
        for total, visits, value in zip(sums, tree.nodes.visits, tree.nodes.value, strict=True)
    ]


def _insert(tree: SearchTree, root: int, known: dict[tuple[int, str], int], trajectory: Trajectory) -> int:
    """The node where `trajectory` ends; made, with those above it, where it is new."""
    node, last = root, len(trajectory.steps)
    for depth, step in enumerate(trajectory.steps, 1):
        key = (node, step_text(step))
        if key not in known:
            so_far = trajectory if depth == last else Trajectory(trajectory.problem)
            known[key] = tree.add(node, step, so_far)
        node = known[key]
    return node


def _date(tree: SearchTree) -> None:
    """Fill in which rollout made each node, and whether the rollouts explain every N."""
    nodes = tree.nodes
    first = [-1] * len(nodes)
    passes = list(nodes.initial)
    for number, rollout in enumerate(tree.rollouts):
        for node in _upwards(nodes.parent, rollout.backup):
            passes[node] += 1
        for node in _upwards(nodes.parent, rollout.end):
            if first[node] < 0:
                first[node] = number
    tree.is_counted = passes == nodes.visits
    latest = 0
    for node, parent in enumerate(nodes.parent):
        if parent < 0:
            # Trees are grown one after the other.
            latest = nodes.born[node] = first[node] if first[node] >= 0 else latest
        else:
            # Siblings are made together, by the first rollout that comes to the node above them.
            nodes.born[node] = first[parent] if first[parent] >= 0 else nodes.born[parent]


def _upwards(parent: Sequence[int], node: int) -> Iterator[int]:
    while node >= 0:
        yield node
        node = parent[node]


def _framed(step: Step) -> tuple[str, str]:
    """A step's frame and its code; joined they are its text."""
    # A zero byte in a model's text would be taken for the hole; the screen shows its picture.
    text, code = step.text.replace(HOLE, "␀"), step.code.replace(HOLE, "␀")
    before, found, after = text.partition(code) if code else (text, "", "")
    return (f"{before}{HOLE}{after}", code) if found else (text, code)


def _nothing() -> Trajectory:
    from tasks.types import Problem

    return Trajectory(Problem("", ""))
