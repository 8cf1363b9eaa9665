"""Names, roles and refusals of the catalog."""

from __future__ import annotations

import pytest

from tasks.benchmark import Item, build_task
from tasks.catalog import BENCHMARKS, GENERATED, load_task, summaries, task_names
from tasks.types import InputError, Problem, Source

SOURCE = Source("a.json", "0" * 64, "MIT")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("aime24", "aime2024"), ("AIME 2024", "aime2024"), ("math-500", "math500"), ("olympiad", "olympiadbench")],
)
def test_an_unknown_name_gets_a_close_one(written: str, meant: str) -> None:
    with pytest.raises(InputError, match=rf"task '{written}' is not known; did you mean .*{meant}"):
        load_task(written)


def test_a_name_without_likeness_gets_the_list() -> None:
    with pytest.raises(InputError, match=r"use one of .*aime2024.*or user:PATH"):
        load_task("zzzzzz")


@pytest.mark.parametrize("name", [name for name, task in BENCHMARKS.items() if task.role == "eval"])
def test_an_evaluation_task_is_never_a_train_pool(name: str) -> None:
    """Refused before its data is looked for: no file is needed here."""
    with pytest.raises(InputError, match=f"task '{name}' is an evaluation task and is never trained on"):
        load_task(name, role="train")


def test_a_generated_evaluation_task_is_never_a_train_pool() -> None:
    with pytest.raises(InputError, match="never trained on"):
        load_task("procedural", role="train")
    assert load_task("procedural-train", role="train").role == "train"


def test_a_train_pool_is_no_evaluation_task() -> None:
    with pytest.raises(InputError, match="is a train pool"):
        load_task("math_train", role="eval")


@pytest.mark.parametrize("name", GENERATED)
def test_the_summary_of_a_generated_task_is_the_task_itself(name: str) -> None:
    summary = next(one for one in summaries() if one.name == name)
    task = load_task(name)
    assert (summary.num_problems, summary.version, summary.role, summary.licence, summary.location) == (
        len(task.problems),
        task.version,
        task.role,
        task.source.licence,
        task.source.location,
    )


def test_every_task_has_one_summary() -> None:
    assert [summary.name for summary in summaries()] == list(task_names())
    assert len(set(task_names())) == len(task_names())


def test_a_problem_has_no_field_for_an_answer() -> None:
    task = build_task("t", "1", "eval", SOURCE, [Item("1", "q?", "secret-reference")])
    assert task.problems == (Problem("t/1", "q?"),)
    assert "secret-reference" not in repr(task.problems)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([Item("1", "q?", "5"), Item("1", "r?", "6")], "the id 't/1' stands twice"),
        ([Item("1", " ", "5")], "problem 't/1' has an empty question or answer"),
        ([Item("1", "q?", ())], "problem 't/1' has an empty question or answer"),
        ([Item("1", "q?", ("5", ""))], "problem 't/1' has an empty question or answer"),
    ],
)
def test_a_task_is_not_built_from_broken_items(items: list[Item], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_task("t", "1", "eval", SOURCE, items)
