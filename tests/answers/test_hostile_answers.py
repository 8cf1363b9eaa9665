"""Answers made to hang, crash or exploit a checker."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tasks.answers import classes, extract, grade, same_answer
from tasks.answers.limits import MAX_CHARS

OWN = Path(__file__).parents[1] / "data" / "answers" / "adversarial.jsonl"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "answers" / "adversarial.jsonl"


def text(value: Any) -> str:
    """A case's text; long ones are stored as {"repeat": [piece, count]} and {"concat": [piece, piece, ...]}."""
    match value:
        case {"repeat": [piece, int(count)]}:
            return text(piece) * count
        case {"concat": [*pieces]}:
            return "".join(text(piece) for piece in pieces)
    return str(value)


def cases(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        pytest.skip(f"{path} is not here; it is not part of the project")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("path", [OWN, SHARED], ids=["own", "shared"])
def test_hostile_answers_get_the_right_verdict_and_leave_nothing_behind(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = cases(path)
    monkeypatch.chdir(tmp_path)
    for row in rows:
        gold, prediction = text(row["gold"]), text(row["prediction"])
        verdict = grade(prediction, gold)
        extract(prediction)
        classes([prediction, gold])
        assert not verdict.detail.startswith("crashed"), row["id"]
        if row["equal"] is not None:
            assert (verdict.verdict == "correct") == row["equal"], row["id"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "predicted",
    [
        "x" * (MAX_CHARS + 1),
        "(" * 3_000,
        "{" * 3_000 + "}" * 3_000,
        "\\frac" * 2_000,
        "\ud800\udfff",
        "\x00",
        "9" * 100_000,
        "1e999999",
        "9**9**9**9",
        "\\boxed{" * 500,
        "1," * 20_000,
        "\\pm" * 500 + "1",
    ],
    ids=lambda p: repr(p[:12]),
)
def test_oversized_and_malformed_answers_are_wrong_and_not_an_error(predicted: str) -> None:
    assert grade(predicted, "5").verdict == "incorrect"
    assert not same_answer(predicted, "5")


def test_a_bare_interpreter_answers_a_hostile_question_within_its_stack() -> None:
    code = "from tasks.answers import same_answer; print(same_answer('5', '(' * 40 + '5' + ')' * 40))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "True"


def test_calls_from_many_threads_agree_with_calls_from_one() -> None:
    pairs = [(rf"\sqrt{{{n}}}+\sqrt{{{n + 1}}}", rf"\sqrt{{{2 * n + 1}+2\sqrt{{{n * n + n}}}}}") for n in range(2, 30)]
    pairs += [(a, b + "+1") for a, b in pairs]
    expected = [same_answer(a, b) for a, b in pairs]
    results: dict[int, list[bool]] = {}

    def work(number: int) -> None:
        results[number] = [same_answer(a, b) for a, b in pairs]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert expected == [True] * 28 + [False] * 28
    assert all(result == expected for result in results.values())


def test_the_reader_imports_no_computer_algebra_system() -> None:
    code = "import sys, tasks.answers as a; a.same_answer('1/2', '0.5'); print('sympy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "False"
