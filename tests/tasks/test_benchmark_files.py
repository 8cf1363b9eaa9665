"""The official files, as users get them. They need the data: from `../shared` (developers) or skipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.catalog import BENCHMARKS, load_task
from tasks.omni_math import NO_REFERENCE
from tasks.types import InputError, Task

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "benchmarks"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the benchmark files are not at {DATA}")

SIZES = {
    "math500": 500,
    "math": 5000,
    "aime2024": 30,
    "amc2023": 40,
    "olympiadbench": 675,
    "college_math": 2818,
    "gsm8k": 1319,
    "gaokao2023en": 385,
    "omni_math": 4428,
}
OFFICIAL = pytest.mark.parametrize("name", SIZES)


@pytest.fixture(autouse=True)
def data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RSTAR_DATA_DIR", str(DATA if DATA.is_dir() else tmp_path))
    monkeypatch.setenv("RSTAR_CACHE_DIR", str(tmp_path / "cache"))


def rows_of(name: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads((DATA / BENCHMARKS[name].files[0].name).read_text(encoding="utf-8"))
    return rows


def references(task: Task) -> list[str]:
    return [one for answer in task.answers.values() for one in ((answer,) if isinstance(answer, str) else answer)]


@needs_data
@OFFICIAL
def test_every_row_of_the_file_is_one_problem_with_its_own_id(name: str) -> None:
    task = load_task(name)
    assert len(task.problems) == SIZES[name]
    assert len({problem.id for problem in task.problems}) == SIZES[name]
    assert task.answers.keys() == {problem.id for problem in task.problems}
    assert all(problem.id.startswith(f"{name}/") for problem in task.problems)


@needs_data
@OFFICIAL
def test_questions_are_kept_exactly_as_the_source_has_them(name: str) -> None:
    assert [problem.question for problem in load_task(name).problems] == [row["question"] for row in rows_of(name)]


@needs_data
@OFFICIAL
def test_no_reference_is_blank_or_holds_a_lost_backslash(name: str) -> None:
    for reference in references(load_task(name)):
        assert reference.strip()
        assert not set(reference) & set("\b\f\t\r")


@needs_data
@OFFICIAL
def test_references_differ_from_the_file_only_where_the_module_says_so(name: str) -> None:
    answers = load_answers(name).values()
    originals = [tuple(row["answer"]) if isinstance(row["answer"], list) else row["answer"] for row in rows_of(name)]
    changed = [answer for answer, original in zip(answers, originals, strict=True) if answer != original]
    assert len(changed) == {"math": 1, "gaokao2023en": 2, "omni_math": 9 + 12}.get(name, 0)


def load_answers(name: str) -> dict[str, object]:
    return dict(load_task(name).answers)


@needs_data
def test_repeated_questions_are_all_kept() -> None:
    for name, num_repeated in (("college_math", 36), ("omni_math", 22)):
        questions = [problem.question for problem in load_task(name).problems]
        assert len(questions) - len(set(questions)) == num_repeated


@needs_data
def test_lists_of_acceptable_answers_become_tuples() -> None:
    answers = load_answers("math")
    assert {id_ for id_, answer in answers.items() if isinstance(answer, tuple)} == {
        "math/0334",
        "math/2717",
        "math/2913",
        "math/2937",
    }
    assert answers["math/2913"] == (r"\left(\tfrac32, -\tfrac52\right)", r"\left(-\tfrac52, -\tfrac52\right)")


@needs_data
def test_aime_2024_ids_name_the_contest_problem() -> None:
    """Beginnings and answers of four contest problems, from the contests' published statements."""
    task = load_task("aime2024")
    questions = {problem.id: problem.question for problem in task.problems}
    expected = {
        "aime2024/I-01": ("Every morning Aya goes", "204"),
        "aime2024/I-15": (r"Let $\mathcal{B}$ be the set of rectangular boxes", "721"),
        "aime2024/II-01": ("Among the 900 residents of Aimeville", "73"),
        "aime2024/II-09": ("There is a collection of $25$ indistinguishable white chips", "902"),
    }
    for id_, (beginning, answer) in expected.items():
        assert questions[id_].startswith(beginning)
        assert task.answers[id_] == answer
    assert set(questions) == {f"aime2024/{contest}-{n:02d}" for contest in ("I", "II") for n in range(1, 16)}


@needs_data
def test_math_500_is_part_of_math() -> None:
    questions = {problem.question for problem in load_task("math").problems}
    assert all(problem.question in questions for problem in load_task("math500").problems)


@needs_data
def test_rows_without_an_answer_get_the_named_text() -> None:
    answers = load_answers("omni_math")
    assert sum(answer == NO_REFERENCE for answer in answers.values()) == 9
    assert load_answers("gaokao2023en")["gaokao2023en/167"] == r"\frac{3}{10}"


@needs_data
def test_a_task_states_the_hash_of_the_file_it_was_read_from() -> None:
    assert load_task("gsm8k").source.sha256 == BENCHMARKS["gsm8k"].files[0].sha256


def test_a_changed_aime_answer_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tasks.aime import _KEY_2024, _ORDER_2024, _read_2024

    rows = [
        {"index": position, "question": "What?", "answer": str(_KEY_2024[contest][number - 1])}
        for position, (contest, number) in enumerate(_ORDER_2024)
    ]
    path = tmp_path / "aime.json"
    path.write_text(json.dumps(rows))
    assert len(list(_read_2024([path]))) == 30
    rows[7]["answer"] = "26"
    path.write_text(json.dumps(rows, indent=1))
    with pytest.raises(InputError, match=r"line 37: field 'answer' is not the published answer of problem I-2;"):
        list(_read_2024([path]))


def test_aime_2025_reads_numbers_in_the_order_of_the_contests(tmp_path: Path) -> None:
    from tasks.aime import _KEY_2025, _read_2025

    answers = [*_KEY_2025["I"], *_KEY_2025["II"]]
    path = tmp_path / "aime.jsonl"
    path.write_text("".join(json.dumps({"problem": f"P{i}", "answer": a}) + "\n" for i, a in enumerate(answers)))
    items = list(_read_2025([path]))
    assert [items[i].id for i in (0, 14, 15, 29)] == ["I-01", "I-15", "II-01", "II-15"]
    assert items[29].reference == "240"
