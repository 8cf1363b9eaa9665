"""Trees of kept searches, and the data files that a browser reads them from."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from handmade_runs import failed, record_of, right, spec_of, wrong
from hostile_run import ID, hostile_results
from sum_runs import rstar, solved, write_task

from harness.kept_searches import grow_again, kept_journal
from harness.kept_trees import kept_tree, read_tree, regrown_tree, tree_of_solutions, tree_path, write_tree
from harness.record_file import read_records
from harness.records import ProblemRecord
from harness.run_folder import RECORDS, RunRecord
from harness.search_tree import ENDINGS, HOLE, SearchTree, search_tree
from leaderboard.build import build
from leaderboard.problem_data import outcomes
from leaderboard.site_data import MAX_TEXT, LongTexts, write_data
from leaderboard.site_files import SiteFiles
from leaderboard.site_options import SiteOptions
from tasks.types import InputError

METHODS: dict[str, dict[str, Any]] = {
    "mcts": {"preset": "tiny"},
    "released": {"preset": "official-cheap", "search": {"counts": "rollouts"}},
    "beam": {"preset": "official-beam"},
    "sample": {"preset": "self-consistency"},
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, RunRecord, ProblemRecord]]:
    """Run folder, run and the first record of a small search by method, everything kept."""
    folder = tmp_path_factory.mktemp("trees")
    task, known = write_task(folder / "sums.jsonl", 1), dict[str, tuple[Path, RunRecord, ProblemRecord]]()

    def search(method: str) -> tuple[Path, RunRecord, ProblemRecord]:
        if method not in known:
            plan = solved(task, folder / method, trees="full", **METHODS[method])
            record = next(iter(read_records(plan.folder / RECORDS)))
            known[method] = plan.folder, RunRecord.read(plan.folder), record
        return known[method]

    return search


def grown(found: tuple[Path, RunRecord, ProblemRecord]) -> SearchTree:
    folder, run, record = found
    tree = regrown_tree(folder, run, record)
    assert tree is not None
    return tree


@pytest.mark.parametrize("method", METHODS)
def test_rollouts_explain_every_visit(method: str, searched: Any) -> None:
    tree = grown(searched(method))
    assert tree.is_counted
    visits = list(tree.nodes.initial)
    for rollout in tree.rollouts:
        node = rollout.backup
        while node >= 0:
            visits[node] += 1
            node = tree.nodes.parent[node]
    assert visits == tree.nodes.visits
    assert len(tree.rollouts) == 4


@pytest.mark.parametrize("method", METHODS)
def test_rollouts_end_where_the_record_says(method: str, searched: Any) -> None:
    found = searched(method)
    tree, record = grown(found), found[2]
    assert [ENDINGS[tree.nodes.ending[each.end]] for each in tree.rollouts] == list(record.endings)
    answers = [tree.texts[place] for each in tree.rollouts if (place := tree.nodes.answer[each.end]) >= 0]
    assert answers == [record.answers[place].text for place in record.answer_of if place is not None]


@pytest.mark.parametrize("method", METHODS)
def test_parents_stand_before_children_and_are_not_younger(method: str, searched: Any) -> None:
    nodes = grown(searched(method)).nodes
    for node, parent in enumerate(nodes.parent):
        assert parent < node
        assert parent < 0 or nodes.born[parent] <= nodes.born[node]


def test_a_node_has_the_search_s_own_figures(searched: Any) -> None:
    folder, run, record = searched("mcts")
    kept = kept_journal(folder, record.problem_id, record.seed)
    assert kept is not None
    result, calls = grow_again(kept, record, run)
    tree = search_tree(result, calls)
    nodes = [node for root in result.trees for node in root.walk()]
    assert [node.visit_count for node in nodes] == tree.nodes.visits
    assert tree.nodes.q == [pytest.approx(node.q_value, abs=1e-4) for node in nodes]
    assert [int(node.is_closed) for node in nodes] == tree.nodes.closed


def test_frame_and_code_make_the_step_as_it_was_written(searched: Any) -> None:
    folder, run, record = searched("mcts")
    kept = kept_journal(folder, record.problem_id, record.seed)
    assert kept is not None
    result, _ = grow_again(kept, record, run)
    tree = search_tree(result)
    steps = [node.trajectory.steps[-1] for root in result.trees for node in root.walk() if node.trajectory.steps]
    inner = [number for number, parent in enumerate(tree.nodes.parent) if parent >= 0]
    for number, step in zip(inner, steps, strict=True):
        code = tree.nodes.code[number]
        frame = tree.texts[tree.nodes.frame[number]]
        assert (frame.replace(HOLE, tree.texts[code]) if code >= 0 else frame) == step.text


def test_what_a_beam_judged_and_dropped_is_in_its_tree(searched: Any) -> None:
    nodes = grown(searched("beam")).nodes
    judged = [
        value for value, visits in zip(nodes.value, nodes.visits, strict=True) if not visits and value is not None
    ]
    assert judged


def test_kept_solutions_make_the_tree_of_their_beginnings() -> None:
    spec = spec_of((2,))
    record = record_of(spec, "p", [right(0.5, "3"), wrong(-0.5, "4")])
    start = "<code>\n# one\nx = 1\n<end_of_step>"
    solutions = [
        f"{start}\nprint(x + {more})\n<end_of_code>\n<output>{answer}<end_of_output>"
        f"\n<answer>\\boxed{{{answer}}}<end_of_answer>"
        for more, answer in ((2, "3"), (3, "4"))
    ]
    tree = tree_of_solutions(record, solutions)
    assert tree.nodes.parent == [-1, 0, 1, 2, 1, 4]
    assert tree.nodes.visits == [2, 2, 1, 1, 1, 1]
    assert tree.nodes.q[:2] == [0.0, 0.0]
    assert tree.texts[tree.nodes.stdout[2]] == "3"
    assert tree.texts[tree.nodes.code[1]] == "# one\nx = 1"
    assert tree.origin == "solutions"


def test_a_published_tree_is_read_as_it_was_written(searched: Any, tmp_path: Path) -> None:
    found = searched("mcts")
    _, run, record = found
    tree, path = grown(found), tmp_path / "tree.json.gz"
    write_tree(path, tree, record, run.identity)
    first = path.read_bytes()
    write_tree(path, tree, record, run.identity)
    assert path.read_bytes() == first
    assert read_tree(path, record, run.identity) == tree.content()


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another run": lambda tree: tree.update(identity="0"),
    "another seed": lambda tree: tree.update(seed=7),
    "a field more": lambda tree: tree.update(more=1),
    "a field less": lambda tree: tree.pop("texts"),
    "a short column": lambda tree: tree["nodes"]["visits"].pop(),
    "a text that is none": lambda tree: tree["texts"].append(1),
    "a place beyond the texts": lambda tree: tree["nodes"]["code"].__setitem__(0, 10**6),
    "a truth value": lambda tree: tree["nodes"]["closed"].__setitem__(0, True),
    "a value out of range": lambda tree: tree["nodes"]["q"].__setitem__(0, 2.0),
    "a circle": lambda tree: tree["nodes"]["parent"].__setitem__(1, 1),
    "a rollout to nowhere": lambda tree: tree["rollouts"].__setitem__(0, [10**6, 0]),
    "a rollout less": lambda tree: tree["rollouts"].pop(),
    "another origin": lambda tree: tree.update(origin="<b>"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_is_no_tree_of_the_record_is_refused(what: str, searched: Any, tmp_path: Path) -> None:
    found = searched("mcts")
    _, run, record = found
    content = {"identity": run.identity, "seed": record.seed, **grown(found).content()}
    content = json.loads(json.dumps(content))
    BROKEN[what](content)
    path = tmp_path / "tree.json.gz"
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    with pytest.raises(InputError, match=r"tree\.json\.gz: is no tree of this record"):
        read_tree(path, record, run.identity)


def test_a_file_that_is_no_archive_is_refused(searched: Any, tmp_path: Path) -> None:
    _, run, record = searched("mcts")
    path = tmp_path / "tree.json.gz"
    path.write_bytes(b"no archive")
    with pytest.raises(InputError, match="cannot be read"):
        read_tree(path, record, run.identity)


def test_a_journal_of_another_search_is_named_and_refused(searched: Any) -> None:
    folder, run, record = searched("mcts")
    other = replace(run, inputs=replace(run.inputs, task_version="another"))
    with pytest.raises(InputError, match=f"{folder.name}/journals/.* is the journal of another search"):
        regrown_tree(folder, other, record)


def test_a_search_that_failed_or_kept_nothing_has_no_tree(searched: Any, tmp_path: Path) -> None:
    folder, run, record = searched("mcts")
    assert kept_tree(folder, run, failed(record.problem_id), "journals") is None
    assert kept_tree(tmp_path, run, record, "journals") is None
    assert kept_tree(folder, run, record, "files") is None


def test_trees_are_exported_for_the_problems_that_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 2), tmp_path / "results", trees="full")
    [first, second] = [record.problem_id for record in read_records(plan.folder / RECORDS)]
    assert rstar("export", str(plan.folder), "--format", "trees", "--problem", first) == 0
    assert tree_path(plan.folder, first, 0).is_file()
    assert not tree_path(plan.folder, second, 0).exists()
    assert rstar("export", str(plan.folder), "--format", "trees", "--problem", "nobody") == 2
    assert "--problem nobody" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["</script><script>x</script>", "\u2028 '\"\\", "<!--", "\ud800", "]]>"])
def test_no_text_leaves_its_data_file(text: str, tmp_path: Path) -> None:
    write_data(
        SiteFiles(tmp_path), "data/a", {"text": LongTexts(SiteFiles(tmp_path), "data/t").shown(text), "__proto__": 1}
    )
    written = (tmp_path / "data" / "a.js").read_text("ascii")
    assert "<" not in written
    assert written.count("\n") == 1
    # The second argument is one JSON text in one string, so parsing it twice gives it back.
    literal = written.removeprefix('rstarData("data/a",').removesuffix(");\n")
    shown = json.loads(json.loads(literal))["text"]
    assert shown == text.encode("utf-8", "backslashreplace").decode()


def test_a_long_text_is_cut_and_kept_whole_elsewhere(tmp_path: Path) -> None:
    text = "<" * 1_000_000
    [beginning, length, name] = LongTexts(SiteFiles(tmp_path), "data/t").shown(text)
    assert (beginning, length) == (text[:MAX_TEXT], 1_000_000)
    literal = (tmp_path / f"{name}.js").read_text("ascii").removeprefix(f'rstarData("{name}",').removesuffix(");\n")
    assert json.loads(json.loads(literal)) == text


def test_outcomes_have_a_letter_for_every_trajectory() -> None:
    spec = spec_of((4,))
    ends = [right(), wrong(), wrong(answer=""), right()]
    ends[2] = replace(ends[2], ending="code_error")
    assert outcomes(record_of(spec, "p", ends)) == "cixc"
    assert outcomes(failed("p")) == "f"


def site_of_hostile_run(folder: Path, **options: Any) -> tuple[Path, str]:
    results = hostile_results(folder)
    built = build(results, folder / "site", SiteOptions(workers=1, **options))
    assert built.num_runs == 1
    return folder / "site", next((folder / "site" / "runs").glob("*.html")).stem


def test_a_site_shows_statements_only_where_it_was_told_to(tmp_path: Path) -> None:
    site, key = site_of_hostile_run(tmp_path)
    assert '\\"statements\\":\\"\\"' in (site / "data" / key / "run.js").read_text()
    assert not (site / "data" / "tasks").exists()


def test_a_damaged_tree_is_left_out_and_named(tmp_path: Path) -> None:
    results = hostile_results(tmp_path)
    [folder] = (results / "hostile").iterdir()
    path = tree_path(folder, "hostile/p1", 0)
    path.parent.mkdir()
    path.write_bytes(b"damaged")
    built = build(results, tmp_path / "site", SiteOptions(workers=1))
    assert built.num_runs == 1
    assert any("p1.seed0.tree.json.gz: cannot be read" in each.reason for each in built.left_out)
    assert str(tmp_path) not in "".join(each.reason for each in built.left_out)


def test_markup_in_an_id_stays_text_on_the_run_s_page(tmp_path: Path) -> None:
    site, key = site_of_hostile_run(tmp_path, trees="journals")
    page = (site / "runs" / f"{key}.html").read_text()
    assert ID not in page
    assert "onclick=alert" in page.replace("&#39;", "'")
