"""Train pools, on small files of the sources' own shape."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.catalog import BENCHMARKS
from tasks.types import InputError


def parquet(path: Path, rows: list[dict[str, str]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_math_train_takes_the_last_box_the_subject_and_the_level(tmp_path: Path) -> None:
    solution = r"First $\boxed{1}$ is wrong. So it is $\boxed{\frac{1}{\sqrt{2}}}$."
    row = {"problem": "What?", "level": "Level 5", "type": "Algebra", "solution": solution}
    paths = [parquet(tmp_path / f"{number}.parquet", [row]) for number in range(7)]
    items = list(BENCHMARKS["math_train"].read(paths))
    assert len(items) == 7
    assert items[0].id == "algebra-0000"
    assert items[0].reference == r"\frac{1}{\sqrt{2}}"
    assert (items[0].subject, items[0].level) == ("Algebra", "5")


def test_math_train_refuses_a_solution_without_an_answer(tmp_path: Path) -> None:
    row = {"problem": "What?", "level": "Level 5", "type": "Algebra", "solution": "none"}
    paths = [parquet(tmp_path / f"{number}.parquet", [row]) for number in range(7)]
    with pytest.raises(InputError, match=r"0\.parquet, row 1: field 'solution' has no boxed answer"):
        list(BENCHMARKS["math_train"].read(paths))


def test_numina_leaves_out_proofs_and_keeps_the_ids_of_the_rows(tmp_path: Path) -> None:
    rows = [
        {"source": "olympiads", "problem": "p0", "solution": r"so \boxed{4}", "messages": "x"},
        {"source": "olympiads", "problem": "p1", "solution": "proved", "messages": "x"},
        {"source": "orca_math", "problem": "p2", "solution": r"so \boxed{6}", "messages": "x"},
    ]
    paths = [parquet(tmp_path / f"{number}.parquet", rows) for number in range(2)]
    everything = [item.id for item in BENCHMARKS["numina_cot"].read(paths)]
    assert everything == ["000000", "000002", "000003", "000005"]
    assert [item.id for item in BENCHMARKS["numina_competition"].read(paths)] == ["000000", "000003"]


def test_metamath_takes_each_question_once(tmp_path: Path) -> None:
    rows = [
        {"type": "GSM_AnsAug", "query": "q0", "response": "… #### 5\nThe answer is: 5"},
        {"type": "GSM_AnsAug", "query": "q0", "response": "another way. The answer is: 5"},
        {"type": "MATH_FOBAR", "query": "q1", "response": r"The answer is: \frac12 "},
        {"type": "MATH_FOBAR", "query": "q2", "response": "no answer"},
    ]
    path = tmp_path / "m.json"
    path.write_text(json.dumps(rows))
    items = list(BENCHMARKS["metamath_qa"].read([path]))
    assert [(item.id, item.reference) for item in items] == [("000000", "5"), ("000002", r"\frac12")]


def test_every_pool_and_benchmark_is_pinned_by_a_revision() -> None:
    for benchmark in BENCHMARKS.values():
        for file in benchmark.files:
            assert any(len(part) == 40 and set(part) <= set("0123456789abcdef") for part in file.url.split("/"))
            assert file.sha256 or "huggingface.co" in file.url
