"""The search trees of a run: from `trees/`, small files fit to be published, or from `journals/`, which stay home.

`<run>/trees/<as its journal is called>.tree.json.gz` holds one search's tree (`harness.search_tree`); `rstar export
--format trees` writes them for the problems that are to be shown. A file may come from anybody: everything in it is
checked before it is used, and what cannot be a tree is an InputError.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any, Literal

from harness.exports.whole_file import whole_file
from harness.kept_searches import grow_again, kept_journal, kept_solutions
from harness.records import ProblemRecord
from harness.run_folder import RunRecord, journal_path
from harness.search_tree import ENDINGS, FORMAT, STATUSES, SearchTree, search_tree
from rstar.journal import read_entries
from rstar.prompts import END_ANSWER, END_CODE, END_OUTPUT, END_STEP, OUTPUT, parse_step
from rstar.synthesis.released import steps_of
from rstar.types import Ending, Execution, SearchResult, Step, Trajectory, Usage
from tasks.types import InputError, Problem

TREES = "trees"
Source = Literal["files", "journals"]
"""`files`: only what `trees/` holds. `journals`: what is not there is grown again from the journals."""
MAX_BYTES = 1 << 28
"""Of one tree, unpacked: 20,000 nodes take 4 MB. Chosen, not tuned."""


def tree_path(folder: Path, problem_id: str, seed: int) -> Path:
    """Where the publishable tree of one search lies."""
    name = journal_path(folder, problem_id, seed).name.removesuffix(".journal")
    return folder / TREES / f"{name}.tree.json.gz"


def kept_tree(folder: Path, run: RunRecord, record: ProblemRecord, source: Source) -> dict[str, Any] | None:
    """The tree of `record` as JSON; None where none was kept. Raises InputError for a damaged file or journal."""
    if record.error:
        return None
    path = tree_path(folder, record.problem_id, record.seed)
    if path.is_file():
        return read_tree(path, record, run.identity)
    if source == "files":
        return None
    tree = regrown_tree(folder, run, record)
    return None if tree is None else tree.content()


def regrown_tree(folder: Path, run: RunRecord, record: ProblemRecord) -> SearchTree | None:
    """The tree of `record` from its journal: all of it with `--trees full`, else what its solutions make of it."""
    path = kept_journal(folder, record.problem_id, record.seed)
    if path is None or run.spec.trees == "none":
        return None
    _check_owner(path, run, record)
    if run.spec.trees == "full":
        return search_tree(*grow_again(path, record, run))
    solutions = kept_solutions(folder, run, record)
    return None if solutions is None else tree_of_solutions(record, solutions)


def _check_owner(path: Path, run: RunRecord, record: ProblemRecord) -> None:
    """Raise the InputError for the journal of another search: a replay works on a copy, and would name that."""
    header = next(read_entries(path), [])
    if header[1:] != [record.problem_id, f"{run.identity}.{record.seed}"]:
        raise InputError(f"{path}: is the journal of another search, {header[1:]!r}; restore the file, or remove it")


def tree_of_solutions(record: ProblemRecord, solutions: list[str]) -> SearchTree:
    """The tree that the texts of the finished solutions make; they stand in the order of the record's trajectories."""
    problem = Problem(record.problem_id, "")
    trajectories = []
    for text, ending, place in zip(solutions, record.endings, record.answer_of, strict=True):
        parts = steps_of(text)
        steps = tuple(_step(part, ending, part is parts[-1]) for part in parts)
        trajectories.append(Trajectory(problem, steps, ending, None if place is None else record.answers[place].text))
    usage = tuple(Usage() for _ in trajectories)
    result = SearchResult(record.problem_id, tuple(trajectories), record.values, usage, record.budget)
    return search_tree(result, origin="solutions")


def write_tree(path: Path, tree: SearchTree, record: ProblemRecord, identity: str) -> None:
    """Write one publishable tree. The same tree gives the same bytes. Raises InputError where that cannot be done."""
    content = {"identity": identity, "seed": record.seed, **tree.content()}
    text = json.dumps(content, separators=(",", ":")).encode("ascii")
    with whole_file(path) as temporary:
        temporary.write_bytes(gzip.compress(text, mtime=0))


def read_tree(path: Path, record: ProblemRecord, identity: str) -> dict[str, Any]:
    """The tree at `path`. Raises InputError, saying what is wrong, unless it is a tree of this record of this run."""
    try:
        with gzip.open(path) as file:
            text = file.read(MAX_BYTES + 1)
        content: Any = json.loads(text) if len(text) <= MAX_BYTES else None
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error}); restore the file, or export the tree again") from error
    trouble = _trouble(content, record, identity)
    if trouble:
        raise InputError(f"{path}: is no tree of this record: {trouble}; restore the file, or export the tree again")
    return {name: field for name, field in content.items() if name not in ("identity", "seed")}


def _trouble(content: Any, record: ProblemRecord, identity: str) -> str:
    """What is wrong with the content of a tree's file; empty where nothing is."""
    expected = set(SearchTree(record.problem_id, "search").content()) | {"identity", "seed"}
    if not isinstance(content, dict) or set(content) != expected:
        return f"it is too large, or its fields are not {', '.join(sorted(expected))}"
    if (content["format"], content["identity"], content["seed"]) != (FORMAT, identity, record.seed):
        return "its format, run or seed is another"
    texts, rollouts = content["texts"], content["rollouts"]
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        return "'texts' is no list of texts"
    trouble = _columns_trouble(content["nodes"], len(texts))
    size = 0 if trouble else len(content["nodes"]["parent"])
    if trouble:
        return trouble
    if not isinstance(rollouts, list) or len(rollouts) != len(record.values):
        return f"it has not the {len(record.values)} rollouts of the record"
    if not all(isinstance(each, list) and len(each) == 2 and _whole(each, 0, size) for each in rollouts):
        return "a rollout ends at no node"
    return "" if content["origin"] in ("search", "solutions") and content["is_counted"] in (True, False) else "'origin'"


def _columns_trouble(nodes: Any, num_texts: int) -> str:
    top = 1 << 31
    ranges = {
        "frame": (0, num_texts), "code": (-1, num_texts), "stdout": (0, num_texts), "error": (0, num_texts),
        "answer": (-1, num_texts), "status": (0, len(STATUSES)), "ending": (0, len(ENDINGS)), "visits": (0, top),
        "initial": (0, top), "closed": (0, 2), "born": (0, top), "parent": (-1, top),
    }  # fmt: skip
    numbers = ("q", "value")
    if not isinstance(nodes, dict) or set(nodes) != {*ranges, *numbers}:
        return "its columns are others"
    size = len(nodes["parent"]) if isinstance(nodes["parent"], list) else -1
    for name, column in nodes.items():
        if not isinstance(column, list) or len(column) != size:
            return f"column '{name}' has another length"
        if name in ranges and not _whole(column, *ranges[name]):
            return f"column '{name}' holds something out of range"
        if name in numbers and not all(_is_value(each) or (each is None and name == "value") for each in column):
            return f"column '{name}' holds something that is no value in [-1, 1]"
    if not size or not all(parent < number for number, parent in enumerate(nodes["parent"])):
        return "a node stands before its parent"
    return ""


def _whole(column: list[Any], low: int, high: int) -> bool:
    return all(type(each) is int and low <= each < high for each in column)


def _is_value(each: Any) -> bool:
    return type(each) in (int, float) and -1 <= each <= 1


_STOPS = (END_CODE, END_ANSWER, END_STEP)


def _step(part: str, ending: Ending, is_last: bool) -> Step:
    """One step as `steps_of` cut it: what was written, and what was printed where that was kept."""
    text, mark, output = part.partition(f"\n{OUTPUT}")
    stop = next((each for each in _STOPS if text.rstrip().endswith(each)), None)
    code = parse_step(text.rstrip(), stop).code if stop != END_ANSWER else ""
    if not mark:
        return Step(text, code)
    printed = output.removesuffix(END_OUTPUT)
    if is_last and ending == "code_error":
        # Which limit it broke was not kept, nor what it printed apart from what it failed with.
        return Step(text, code, Execution("error", "", printed, 0.0))
    return Step(text, code, Execution("ok", printed, "", 0.0))
