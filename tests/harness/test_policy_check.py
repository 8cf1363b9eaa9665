"""`rstar doctor --policy`: which layout a model fits, and what is wrong with its replies in the others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from model_server import ModelServer, Write, model_server
from sum_runs import rstar, write_task

from harness.policy_check import LayoutCheck, PolicyCheck, check_lines, check_policy, format_error
from rstar.prompts import END_CODE
from rstar.types import Ending, Execution, Step, Trajectory
from tasks.types import Problem


def knows(mark: str, text: str) -> Write:
    """A model that writes `text` with the right sum where the prompt holds `mark`, and chatter elsewhere."""

    def write(question: str, partial: str, _seed: int) -> str:
        numbers = [int(each) for each in re.findall(r"\d+", question.rpartition("What is")[2].partition("?")[0])]
        # The server has taken the trained layout's prompt off already.
        asked = "sft" if partial or "\n" not in question else question
        if re.search(mark, asked):
            return text.replace("SUM", str(sum(numbers)))
        return "The answer is surely 7, I would say.<eos>"

    return write


MODELS = {
    "rstar-sft": knows("sft", "<answer>\\boxed{SUM}<end_of_answer>"),
    "bootstrap": knows(r"Solution:\n\Z", "<answer>\\boxed{SUM}<end_of_answer>"),
    "chat": knows("Solve the next one in the same format", "So it is \\boxed{SUM}."),
    "cot": knows("Please reason step by step", "It is \\boxed{SUM}."),
}


def checked(server: ModelServer, folder: Path) -> PolicyCheck:
    """The check of a served model, with an interpreter that starts no process."""
    task = write_task(folder / "sums.jsonl", 6)
    return check_policy({"policy": server.url, "interpreter": "arithmetic"}, f"user:{task}")


@pytest.mark.parametrize("layout", MODELS)
def test_the_layout_that_a_model_was_made_for_is_named(layout: str, tmp_path: Path) -> None:
    with model_server(MODELS[layout]) as server:
        lines = check_lines(checked(server, tmp_path))
    best = "cot-steps" if layout == "cot" else layout
    assert lines[-1] == f"Fits best: --layout {best}"
    [row] = [line for line in lines[2:-1] if line.split()[0] == best]
    assert row.split() == [best, "5", "5", "nothing"]
    others = [line for line in lines[2:-1] if not line.startswith(layout)]
    assert len(others) == (3 if layout == "cot" else 4)
    assert all("5 an answer without a box" in line for line in others)


def test_a_model_that_fits_nothing_is_said_to_and_leaves_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with model_server(lambda *_: "Hello! How can I help?") as server:
        found = checked(server, tmp_path)
    assert found.best is None
    assert [each.errors for each in found.layouts] == [{"neither markers nor a box": 5}] * 5
    monkeypatch.setattr("harness.policy_check.check_policy", lambda *_: found)
    assert rstar("doctor", "--policy", server.url) == 1
    assert "No layout fits" in capsys.readouterr().out
    assert rstar("doctor", "--policy", server.url, "--json") == 1
    assert json.loads(capsys.readouterr().out)["best"] is None


def test_a_layout_in_which_a_model_cannot_be_asked_is_a_line(tmp_path: Path) -> None:
    with model_server(MODELS["rstar-sft"], chat=False) as server:
        rows = {line.split()[0]: line for line in check_lines(checked(server, tmp_path))}
    assert "cannot be asked: " in rows["chat"]
    assert "has no such route" in rows["cot"]
    assert rows["rstar-sft"].split()[1:3] == ["5", "5"]


def test_a_model_that_is_not_there_is_bad_input(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert rstar("doctor", "--policy", tmp_path / "no-model") == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ending", "text", "error", "said"),
    [
        ("answered", "\\boxed{5}", "", ""),
        ("truncated", "and so on", "", "cut off by the length cap"),
        ("truncated", "", "", "the prompt fills the context"),
        ("max_depth", "x = 1", "", "no answer after all steps"),
        ("code_error", "Let us add.", "SyntaxError: invalid syntax", "words where code should be"),
        ("code_error", "y", "NameError: name 'y' is not defined", "a program that fails"),
        ("unparsable", " \n", "", "an empty reply"),
        ("unparsable", "<output>5<end_of_output>", "", "invents what its program prints"),
        ("unparsable", "The answer is 5.", "", "an answer without a box"),
        ("unparsable", "```python\n1\n```", "", "code in Markdown's fences, without markers"),
        ("unparsable", f"{END_CODE}", "", "markers without code"),
        ("unparsable", "Hello!", "", "neither markers nor a box"),
    ],
)
def test_every_end_without_an_answer_has_a_reason(ending: Ending, text: str, error: str, said: str) -> None:
    step = Step(text, "", Execution("error", "", error, 0.0) if error else None)
    assert format_error(Trajectory(Problem("p", "?"), (step,), ending)) == said


def test_among_layouts_with_as_many_answers_the_right_ones_count_and_then_steps_with_code() -> None:
    def made(**right: int) -> PolicyCheck:
        layouts = [LayoutCheck(name.replace("_", "-"), 5, 4, count, {}) for name, count in right.items()]  # type: ignore[arg-type]
        return PolicyCheck("m", "t", tuple(layouts))

    best = made(bootstrap=2, chat=2, cot=2).best
    assert best is not None
    assert best.layout == "chat"
    best = made(bootstrap=2, chat=2, cot=3).best
    assert best is not None
    assert best.layout == "cot"
    assert check_lines(made(cot=3))[-1] == "Fits best: --layout cot"
