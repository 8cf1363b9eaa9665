"""What may be synthesized from: named pools, every id once, no test question."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from adding import write_pool

from rstar.synthesis.admission import admitted, examine, tasks_against
from rstar.synthesis.coverage import Coverage, is_noisy
from rstar.synthesis.pools import open_pool
from rstar.synthesis.shards import Outcome
from tasks.catalog import load_task
from tasks.overlap import OverlapIndex
from tasks.types import InputError


def pool_of(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(number: int, question: str = "What is 1 + 1?", **more: object) -> dict[str, object]:
    return {"id": f"p{number}", "question": question, "answer": "2", **more}


def test_a_file_is_a_pool_with_levels_and_marks_of_synthetic_problems(tmp_path: Path) -> None:
    path = pool_of(tmp_path / "own.jsonl", row(0, level=3, subject="sums"), row(1, synthetic=True))
    first, second = open_pool(str(path)).read()
    assert (first.problem.id, first.problem.level, first.problem.subject) == ("own/p0", "3", "sums")
    assert (first.is_synthetic, second.is_synthetic) == (False, True)
    assert [*open_pool(f"user:{path}").read()] == [first, second]


def test_procedural_problems_are_a_pool_by_address() -> None:
    pool = open_pool("procedural-train?each=2&first=900&levels=1,3")
    problems = [each.problem for each in pool.read()]
    assert {problem.level for problem in problems} == {"1", "3"}
    assert len({problem.question for problem in problems}) == len(problems) > 40
    assert problems == [each.problem for each in pool.read()]


@pytest.mark.parametrize(
    "name", ["nowhere", "math500", "procedural", "procedural-train?each=x", "procedural-train?all=1"]
)
def test_a_name_that_is_no_train_pool_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        open_pool(name)


def test_a_repeated_id_is_refused(tmp_path: Path) -> None:
    path = pool_of(tmp_path / "own.jsonl", row(0), row(1, "What is 2?"), row(0, "What is 3?"))
    with pytest.raises(InputError, match="the id 'own/p0' stands twice; give every problem its own id"):
        examine(open_pool(str(path)), None)


def test_a_test_question_is_refused_or_left_out(tmp_path: Path) -> None:
    task = load_task("procedural")
    path = pool_of(tmp_path / "own.jsonl", row(0), row(1, task.problems[5].question), row(2, "What is 7 + 8?"))
    pool = open_pool(str(path))
    index = OverlapIndex(tasks_against(pool, "procedural"))
    with pytest.raises(InputError, match=f"problem own/p1 holds the test question {task.problems[5].id}"):
        examine(pool, index)
    facts = examine(pool, index, drop_test_questions=True)
    assert facts.left_out == {"own/p1": task.problems[5].id}
    assert [each.problem.id for each in admitted(pool, facts)] == ["own/p0", "own/p2"]
    assert facts.num_problems == 2


def test_a_pool_of_nothing_but_test_questions_is_refused(tmp_path: Path) -> None:
    pool = open_pool(str(pool_of(tmp_path / "own.jsonl", row(1, load_task("procedural").problems[5].question))))
    with pytest.raises(InputError, match="has no problem that may be used"):
        examine(pool, OverlapIndex(tasks_against(pool, "procedural")), drop_test_questions=True)


def test_the_hash_of_a_pool_is_that_of_its_content(tmp_path: Path) -> None:
    first = examine(open_pool(str(write_pool(tmp_path / "pool.jsonl", 5))), None)
    (tmp_path / "b").mkdir()
    moved = examine(open_pool(str(write_pool(tmp_path / "b/pool.jsonl", 5))), None)
    longer = examine(open_pool(str(write_pool(tmp_path / "pool.jsonl", 6))), None)
    assert first.sha256 == moved.sha256 != longer.sha256


def test_generated_problems_are_checked_against_the_generated_eval_tasks() -> None:
    pool = open_pool("procedural-train?each=1&first=40000&levels=2")
    assert {task.name for task in tasks_against(pool)} == {"procedural", "procedural-hard"}
    assert examine(pool, OverlapIndex(tasks_against(pool))).num_problems == 16


def outcome(num_right: int, num_rollouts: int, *, is_synthetic: bool = False) -> Outcome:
    return Outcome("p", "algebra", "5", is_synthetic, num_rollouts, num_right, "")


def test_difficulty_is_the_share_of_right_trajectories() -> None:
    coverage = Coverage()
    for num_right in (0, 3, 8, 8):
        coverage.add(outcome(num_right, 8), "5", "algebra")
    fields = coverage.as_fields()
    assert fields["difficulty"] == {"easy": 2, "medium": 1, "hard": 1}
    assert fields["by_level"]["5"] == {"total": 4, "solved": 3, "easy": 2, "medium": 1, "hard": 1}
    assert fields["coverage"] == 0.75


def test_a_label_is_doubtful_where_a_model_made_it_and_less_than_half_agree() -> None:
    assert is_noisy(outcome(3, 8, is_synthetic=True))
    assert not is_noisy(outcome(4, 8, is_synthetic=True))
    assert not is_noisy(outcome(0, 8))
