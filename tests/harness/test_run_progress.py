"""What a waiting person sees."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from sum_runs import spec, write_task

from harness.records import JudgedAnswer, ProblemRecord
from harness.retrying import Meter
from harness.run_progress import Counts, LiveProgress, clock


def record(problem: str, verdict: str) -> ProblemRecord:
    answer = JudgedAnswer("1", 0, verdict, "")  # type: ignore[arg-type]
    return ProblemRecord(problem, 0, budget=2, answers=(answer,), values=(0.5, 0.5), chosen={"weighted": (0, 0)})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(tmp_path: Path, stream: io.StringIO) -> LiveProgress:
    """A progress at 3 of 10: one from before, and one right, one wrong and one failed since."""
    progress = LiveProgress(stream)
    progress.expect(10, spec(write_task(tmp_path / "sums.jsonl", 10)))
    progress.add(record("a", "correct"), is_new=False)
    progress.start(Meter(tokens=600))
    progress.add(record("b", "correct"))
    progress.add(record("c", "incorrect"))
    progress.add(ProblemRecord("d", 0, error="lost"))
    return progress


def test_rates_are_those_of_this_session_and_accuracy_that_of_the_run(tmp_path: Path) -> None:
    progress = shown(tmp_path, io.StringIO())
    counts = progress.now()
    counts.seconds = 2.0
    assert counts.text() == (
        "4/10 problems  2.0 trajectories/s  300 tokens/s  accuracy so far 66.7 %  1 failed  time left 4 s"
    )
    progress.stop()


def test_before_the_first_record_nothing_is_guessed() -> None:
    text = Counts(total=10, seconds=5.0).text()
    assert "accuracy so far -" in text
    assert "time left -" in text


def test_a_log_gets_no_control_characters_and_at_most_a_line_a_minute(tmp_path: Path) -> None:
    stream = io.StringIO()
    shown(tmp_path, stream).stop()
    assert stream.getvalue() == ""


def test_a_log_gets_a_line_when_a_minute_has_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.run_progress.LINE_SECONDS", 0.0)
    stream = io.StringIO()
    shown(tmp_path, stream).stop()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[-1].startswith("4/10 problems")


def test_a_terminal_gets_a_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    progress = shown(tmp_path, stream)
    progress._ended.wait(0.6)
    progress.stop()
    assert "4/10 problems" in stream.getvalue()
    assert "tokens/s" in stream.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(4.2, "4 s"), (205, "3:25"), (3805, "1:03:25"), (59.6, "1:00")])
def test_times_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert clock(seconds) == text
