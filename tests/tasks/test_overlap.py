"""The contamination check: copies are found, templates with other numbers are not, and pools are streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import cli
from tasks.overlap import MAX_KEPT_HITS, MIN_FRACTION, Hit, OverlapIndex, check_overlap, words_of
from tasks.procedural import load_procedural
from tasks.types import InputError, Problem, Role, Source, Task

LONG = (
    "Janet has 16 ducks. They lay 3 eggs a day each, she eats 7 of them at breakfast and bakes with 4 more. "
    "She sells what is left for 2 dollars an egg. How much does she earn every day?"
)
MIDDLE = "What is the sum of the first 20 odd numbers?"
SHORT = "Compute $\\sin 60^\\circ$."


def task_of(*questions: str, name: str = "exam", role: Role = "eval") -> Task:
    problems = tuple(Problem(f"{name}/{place}", question) for place, question in enumerate(questions))
    return Task(
        name, "1", role, Source("here", "0" * 64, "MIT"), problems, dict.fromkeys((p.id for p in problems), "1")
    )


def found(train: str, *questions: str, min_fraction: float = MIN_FRACTION, with_variants: bool = False) -> list[Hit]:
    return OverlapIndex([task_of(*questions)], min_fraction, with_variants=with_variants).hits("t", train)


def test_a_copy_is_found_with_all_of_its_words() -> None:
    (hit,) = found(LONG, MIDDLE, LONG)
    assert (hit.train_id, hit.task, hit.problem_id, hit.fraction) == ("t", "exam", "exam/1", 1.0)
    assert hit.excerpt.startswith("janet has 16 ducks they lay 3 eggs")


def test_a_copy_inside_a_longer_question_is_found() -> None:
    assert found(f"Read this with care. {LONG} Give 2 reasons.", LONG)[0].fraction == 1.0


def test_case_punctuation_and_layout_hide_no_copy() -> None:
    spoilt = LONG.upper().replace(".", " !").replace(" ", "\n ")
    assert found(spoilt, LONG)[0].fraction == 1.0


def test_a_lightly_edited_copy_is_found_by_its_share() -> None:
    edited = LONG.replace("How much does she earn every day?", "What are her daily takings?")
    (hit,) = found(edited, LONG)
    words = len(words_of(LONG))
    assert hit.fraction == pytest.approx((words - 7 - 12) / (words - 12))  # the last 7 words are other ones


def test_the_same_words_with_other_numbers_are_another_question() -> None:
    changed = LONG.replace("Janet has 16", "Janet has 19")
    assert found(changed, LONG) == []
    assert found(changed, LONG, with_variants=True)[0].fraction == 25 / 28  # the first 3 of its 13-grams hold the 16


def test_the_same_numbers_with_other_words_are_another_question() -> None:
    assert found("A train with 16 cars has 3 stops, 7 guards, 4 tickets and 2 doors. " * 2, LONG) == []


def test_a_stock_phrase_is_no_hit_unless_any_shared_run_counts() -> None:
    phrase = "can be written as m over n where m and n are relatively prime positive integers find m plus n"
    train = f"The area of a square of side 5 {phrase}"
    exam = f"Two dice are thrown twice by each of two players in turn until one of them has won and the chance {phrase}"
    assert found(train, exam) == []
    assert len(found(train, exam, min_fraction=0)) == 1


def test_a_short_question_is_found_only_whole() -> None:
    assert found("compute \\sin 60 ^ \\circ", SHORT)[0].fraction == 1.0
    assert found("Compute $\\sin 60^\\circ$ and then double it.", SHORT) == []
    assert found("Compute $\\sin 30^\\circ$.", SHORT) == []


def test_a_middling_question_is_found_inside_another() -> None:
    assert found(f"Think first. {MIDDLE} Explain.", MIDDLE)[0].fraction == 1.0
    assert found("What is the sum of the first 30 odd numbers?", MIDDLE) == []
    assert found("What is the sum of the first 20 odd", MIDDLE) == []
    assert found("What is the sum of the first 20 odd numberstones?", MIDDLE) == []


def test_a_question_in_two_tasks_is_reported_for_both() -> None:
    index = OverlapIndex([task_of(LONG, name="one"), task_of(MIDDLE, LONG, name="two")])
    assert [hit.problem_id for hit in index.hits("t", LONG)] == ["one/0", "two/1"]


@pytest.mark.parametrize("question", ["", "   ", "?!", "…", "x", "$$", "\\", "\\\\", "{,}", "7" * 5000, "\ud800"])
def test_odd_questions_hit_nothing_and_break_nothing(question: str) -> None:
    assert found(question, LONG, MIDDLE, SHORT, "", "?") == []


def test_two_ways_to_write_the_same_mathematics_are_the_same_words() -> None:
    assert words_of(r"\dfrac{1}{2} \cdot x \leq 1{,}000") == words_of(r"\frac12 \times x ≤ 1000".replace("x ", "x "))
    assert words_of(r"\left( a_{n+1} \right)") == words_of("(a_{n + 1})") == ["a", "n", "+", "1"]
    assert words_of(r"\begin{align*} x &= 3 \end{align*}") == ["x", "=", "3"]


def test_numbers_and_signs_are_words() -> None:
    assert words_of("3x - 5 = 1,234.50") == ["3", "x", "-", "5", "=", "1234.50"]
    assert words_of("x − 5") != words_of("x + 5")


def test_the_report_counts_what_the_stream_held() -> None:
    seen: list[Hit] = []
    pool = [("a", LONG), ("b", "nothing"), ("c", f"{LONG} {MIDDLE}")]
    report = check_overlap(pool, [task_of(LONG, MIDDLE), task_of("Other?", name="other")], on_hit=seen.append)
    assert (report.num_questions, report.num_eval_questions, report.num_contaminated, report.num_hits) == (3, 3, 2, 3)
    assert report.problems_hit == {"exam": {"exam/0", "exam/1"}, "other": set()}
    assert [(hit.train_id, hit.problem_id) for hit in report.hits] == [
        ("a", "exam/0"),
        ("c", "exam/0"),
        ("c", "exam/1"),
    ]
    assert seen == report.hits
    assert not report.is_clean


def test_a_pool_is_read_one_question_at_a_time_and_hits_are_bounded() -> None:
    num_alive = 0

    def pool() -> Iterator[tuple[str, str]]:
        nonlocal num_alive
        for number in range(MAX_KEPT_HITS + 50):
            num_alive += 1
            assert num_alive <= number + 1
            yield f"t{number}", LONG

    report = check_overlap(pool(), [task_of(LONG)])
    assert report.num_hits == MAX_KEPT_HITS + 50
    assert len(report.hits) == MAX_KEPT_HITS


def test_a_train_pool_is_no_exam_and_no_exam_is_an_error() -> None:
    with pytest.raises(InputError, match="train pool"):
        OverlapIndex([task_of(LONG, role="train")])
    with pytest.raises(InputError, match="at least one eval task"):
        OverlapIndex([])
    with pytest.raises(InputError, match="from 0 to 1"):
        OverlapIndex([task_of(LONG)], 50)


def test_our_own_train_pool_is_clean_of_our_own_eval_tasks() -> None:
    pool = ((problem.id, problem.question) for problem in load_procedural("procedural-train").problems)
    report = check_overlap(pool, [load_procedural("procedural"), load_procedural("procedural-hard")])
    assert report.num_questions == 4032
    assert report.hits == []


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str, str]:
    command = cli.Command("harness.cli_overlap", "overlap", "Check a train pool for test questions.")
    monkeypatch.setitem(cli.COMMANDS, "overlap", command)
    with pytest.raises(SystemExit) as caught:
        cli.main(["overlap", *arguments])
    assert isinstance(caught.value.code, int)
    return (caught.value.code, *capsys.readouterr())


@pytest.fixture
def contaminated(tmp_path: Path) -> Path:
    stolen = load_procedural("procedural").problems[100]
    rows = [{"question": "How old is the sea?"}, {"id": "stolen", "question": f"Please: {stolen.question}"}]
    path = tmp_path / "pool.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_command_leaves_with_1_and_names_the_stolen_problem(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, contaminated: Path, tmp_path: Path
) -> None:
    out_file = tmp_path / "hits.jsonl"
    code, out, _ = run(capsys, monkeypatch, str(contaminated), "--against", "procedural", "--out", str(out_file))
    stolen = load_procedural("procedural").problems[100]
    assert code == 1
    assert "2 questions against 384" in out
    assert f"stolen = {stolen.id} (100%)" in out
    (row,) = map(json.loads, out_file.read_text().splitlines())
    assert (row["train_id"], row["problem_id"], row["fraction"]) == ("stolen", stolen.id, 1.0)


def test_the_command_leaves_with_0_for_a_clean_pool(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(capsys, monkeypatch, "procedural-train", "--against", "procedural,procedural-hard")
    assert code == 0
    assert "4,032 questions against 768 of 2 eval tasks" in out
    assert "clean" in out


def test_the_report_as_json_has_the_counts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, contaminated: Path
) -> None:
    code, out, _ = run(capsys, monkeypatch, str(contaminated), "--against", "procedural,procedural-hard", "--json")
    report = json.loads(out)
    assert code == 1
    assert (report["num_questions"], report["num_contaminated"], report["num_hits"]) == (2, 1, 1)
    assert report["problems_hit"] == {"procedural": [report["hits"][0]["problem_id"]], "procedural-hard": []}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["procedural"], "evaluation task"),
        (["gsm8k"], "evaluation task"),
        (["nowhere.jsonl"], "no task and no file"),
        (["procedural-train", "--against", "procedural-train"], "train pool"),
        (["procedural-train", "--against", "nothing-such"], "not known"),
        (["procedural-train", "--against", ","], "at least one"),
        (["procedural-train", "--against", "procedural", "--min-fraction", "50"], "from 0 to 1"),
        (["POOL", "--against", "procedural", "--field", "prompt"], "field 'prompt' is missing"),
        (["POOL", "--against", "procedural", "--out", "/nowhere/hits.jsonl"], "cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    contaminated: Path,
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(contaminated.parent)
    code, out, err = run(capsys, monkeypatch, *[str(contaminated) if one == "POOL" else one for one in arguments])
    assert (code, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1


def test_a_broken_pool_leaves_no_hits_file_behind(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, contaminated: Path, tmp_path: Path
) -> None:
    with contaminated.open("a") as file:
        file.write('{"question": null}\n')
    out_file = tmp_path / "hits.jsonl"
    code, _, err = run(capsys, monkeypatch, str(contaminated), "--against", "procedural", "--out", str(out_file))
    assert code == 2
    assert "line 3" in err
    assert not out_file.exists()
