"""Published data sets and official trees: in and out again without a difference."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from adding import synthesized, write_pool

from harness.released_data import export_file, import_file
from rstar.synthesis import json_stream
from rstar.synthesis.extract import extract, sft_rows
from rstar.synthesis.json_stream import stream_rows
from rstar.synthesis.pairs import PAIR_PRESETS
from rstar.synthesis.released import steps_of
from rstar.synthesis.released_trees import export_trees, import_trees
from rstar.synthesis.shards import read_shards, shards_in
from rstar.training.data import read_pairs, read_sft
from tasks.types import InputError

PARITY = Path(__file__).parents[3] / "shared/data/parity"
ASKED = "\n<|assistant|>: Let's think step by step and solve the problem with code."
FIRST = "<code>\n# Step 1: Double it\nx = 2 * 4\n<end_of_step>"
SECOND = "\n\n# Now print the final answer\nprint(x)\n<end_of_code>\n<output>8<end_of_output>"
ANSWER = "\n<answer>It is \\boxed{8}.<end_of_answer>"
SFT = [
    {"query": "Twice four?\n .", "response": FIRST + SECOND + ANSWER},
    {
        "query": "Twice $4$, “quoted”?",
        "response": "<code>\nprint(8)\n<end_of_code>\n<output>8<end_of_output> <answer>\\boxed{8}",
    },
]
PAIRS = [
    # A step after a shared one; the first step; whole solutions, one of them a trace of an error.
    {
        "prompt": f"<|user|>:\nTwice four?{ASKED}{FIRST}",
        "neg": "\n\n# Step 2: Add one\nx = x + 1\n<end_of_step>", "pos": SECOND, "neg_count": 4, "pos_count": 1,
    },
    {
        "prompt": f"<|user|>:\nTwice four?{ASKED}",
        "neg": FIRST.replace("2", "3"), "pos": FIRST, "neg_count": 2, "pos_count": 2,
    },
    {
        "prompt": "<|user|>:\nTwice four?\n Let's write a program.",
        "neg": f"{ASKED}<code>\nx = y\n<end_of_step><end_of_code><output>NameError: y<end_of_output>",
        "pos": ASKED + FIRST + SECOND + ANSWER, "neg_count": 2, "pos_count": 2,
    },
]  # fmt: skip


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps(rows, indent=4))
    return path


@pytest.mark.parametrize(("form", "rows"), [("sft", SFT), ("ppm", PAIRS)])
def test_a_published_set_comes_back_as_it_was(tmp_path: Path, form: str, rows: list[dict[str, Any]]) -> None:
    import_file(written(tmp_path / "in.json", rows), tmp_path / "ours.jsonl", form, regrade=False)
    export_file(tmp_path / "ours.jsonl", tmp_path / "out.json", form)
    assert json.loads((tmp_path / "out.json").read_text()) == rows


def test_imported_rows_are_those_that_training_reads(tmp_path: Path) -> None:
    import_file(written(tmp_path / "sft.json", SFT), tmp_path / "s.jsonl", "sft", regrade=False)
    import_file(written(tmp_path / "ppm.json", PAIRS), tmp_path / "p.jsonl", "ppm", regrade=False)
    assert [(row.question, row.solution) for row in read_sft(tmp_path / "s.jsonl")] == [
        tuple(row.values()) for row in SFT
    ]
    pairs = list(read_pairs(tmp_path / "p.jsonl"))
    assert [pair.rule for pair in pairs] == ["released", "released", "final"]
    assert [pair.weight for pair in pairs] == [0.25, 0.25, 0.25]
    assert [pair.depth for pair in pairs] == [2, 1, 3]
    assert pairs[0].chosen == FIRST + SECOND
    assert pairs[2].question == "Twice four?\n Let's write a program."


def test_a_solution_is_cut_into_its_steps() -> None:
    assert steps_of(FIRST + SECOND + ANSWER) == [FIRST, SECOND, ANSWER]


@pytest.mark.parametrize("rule", ["paper", "released"])
def test_pairs_of_our_trees_go_out_and_come_back(tmp_path: Path, rule: str) -> None:
    synthesized(
        write_pool(tmp_path / "pool.jsonl", 8), tmp_path / "trees", overrides={"budget": 12, "num_candidates": 6}
    )
    ours = tmp_path / "pairs.jsonl"
    extract(shards_in(tmp_path / "trees"), sft=None, pairs=ours, settings=PAIR_PRESETS[rule])
    export_file(ours, tmp_path / "out.json", "ppm")
    import_file(tmp_path / "out.json", tmp_path / "back.jsonl", "ppm", regrade=False)
    before, after = list(read_pairs(ours)), list(read_pairs(tmp_path / "back.jsonl"))
    assert [(p.question, p.chosen, p.rejected, p.depth) for p in before] == [
        (p.question, p.chosen, p.rejected, p.depth) for p in after
    ]
    assert len(before) > 5
    for row in json.loads((tmp_path / "out.json").read_text()):
        assert list(row) == ["prompt", "neg", "pos", "neg_count", "pos_count"]


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 20])
def test_an_array_is_read_whole_whatever_the_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(json_stream, "_BLOCK", block)
    path = written(tmp_path / "in.json", SFT * 5)
    assert [row.fields for row in stream_rows(path)] == SFT * 5


@pytest.mark.parametrize(
    ("form", "change", "message"),
    [
        ("sft", lambda text: text[:-20], "row 2: is no JSON object, or the file is cut off"),
        ("sft", lambda text: text.replace('"response"', '"answer"'), "row 1: field 'response' is missing"),
        ("sft", lambda text: text.replace("<", "["), "row 1: field 'response' holds no <code> and no <answer>"),
        ("ppm", lambda text: text.replace("<|user|>:", "User:"), "row 1: field 'prompt' does not begin with"),
        ("ppm", lambda text: text.replace("<|assistant|>", "assistant"), "row 1: fields 'prompt', 'pos' and 'neg'"),
        ("ppm", lambda text: text.replace("4,", '"many",'), "row 1: field 'neg_count' is no whole number"),
        ("ppm", lambda text: "[1" + text[:0] + "]", "row 1: holds the number 1; write a list of objects"),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_row(
    tmp_path: Path, form: str, change: Callable[[str], str], message: str
) -> None:
    path = written(tmp_path / "in.json", {"sft": SFT, "ppm": PAIRS}[form])
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=message):
        import_file(path, tmp_path / "out.jsonl", form, regrade=False)
    assert not (tmp_path / "out.jsonl").exists()


def comparable(state: dict[str, Any]) -> dict[str, Any]:
    return {name: state[name] for name in ("text", "final_answer", "value", "q_value", "visit_count")}


@pytest.mark.parametrize("name", ["sample-arith", "sample-mixed", "eval-arith", "eval-mixed"])
def test_official_trees_come_back_node_by_node(name: str) -> None:
    path = PARITY / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip("shared/data/parity is not on this machine")
    official = [json.loads(line) for line in path.read_text().splitlines()]
    ours = list(import_trees(path))
    back = [row for trees in ours for row in export_trees(trees)]
    assert [row["question"] for row in back] == [row["question"] for row in official]
    for given, got in zip(official, back, strict=True):
        assert {tag: comparable(state) for tag, state in got["rstar"].items()} == {
            tag: comparable(state) for tag, state in given["rstar"].items()
        }
    labels = {label for trees in ours for label in trees.nodes.label}
    assert labels == ({-1, 0, 1} if name.startswith("sample") else {0})


def test_our_trees_go_out_and_come_back(tmp_path: Path) -> None:
    synthesized(write_pool(tmp_path / "pool.jsonl", 5, hopeless=1), tmp_path / "trees", extra=(4,))
    export_file(tmp_path / "trees", tmp_path / "official.jsonl", "rollouts")
    import_file(tmp_path / "official.jsonl", tmp_path / "back", "rollouts", regrade=False)
    ours, back = (list(read_shards(shards_in(tmp_path / name))) for name in ("trees", "back"))
    assert len(ours) == len(back) == 5
    for first, second in zip(ours, back, strict=True):
        assert (first.problem.question, first.reference) == (second.problem.question, second.reference)
        for name in ("tree", "parent", "text", "q", "visits", "value", "answer", "label"):
            assert getattr(first.nodes, name) == getattr(second.nodes, name), name
        solved = [[row["solution"] for row in sft_rows(each)] for each in (first, second)]
        assert solved[0] == solved[1]


def test_answers_without_a_label_get_one_by_grading_again(tmp_path: Path) -> None:
    tree = {
        "0": {"text": "", "value": 0.0, "q_value": 0.1, "visit_count": 2},
        "0.1": {"text": ANSWER, "final_answer": "8.0", "value": 0.3, "q_value": 0.3, "visit_count": 1},
        "0.2": {"text": ANSWER, "final_answer": "9", "value": 0.4, "q_value": 0.4, "visit_count": 1},
    }
    path = tmp_path / "eval.jsonl"
    path.write_text(json.dumps({"question": "Twice four?", "answer": "8", "rstar": tree}) + "\n")
    assert "no answer has a label" in import_file(path, tmp_path / "plain", "rollouts", regrade=False)
    import_file(path, tmp_path / "graded", "rollouts", regrade=True)
    [row] = read_shards(shards_in(tmp_path / "graded"))
    assert row.nodes.label == [0, 1, -1]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({}, "holds no tree with a root '0'"),
        (
            {"0": {"text": "", "value": 0, "q_value": 0, "visit_count": 1}, "0.1.1": {}},
            "node '0.1.1' has no parent '0.1'",
        ),
        ({"0": {"text": "", "value": 0, "q_value": 0}}, "node '0' has no visit_count"),
        ({"0": {"text": "", "value": 0, "q_value": 0, "visit_count": 1}, "0.a": {}}, "'0.a' is no node's tag"),
    ],
)
def test_a_damaged_official_tree_is_refused(tmp_path: Path, tree: dict[str, Any], message: str) -> None:
    path = tmp_path / "rollouts.jsonl"
    path.write_text(json.dumps({"question": "What?", "answer": "1", "rstar": tree}) + "\n")
    with pytest.raises(InputError, match=message):
        import_file(path, tmp_path / "out", "rollouts", regrade=False)
