"""`rstar init`: the file that it writes is the run that was asked for, and says what every field means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from harness import cli_init
from harness.cli import main
from harness.cli_run import OPTION_FIELDS
from harness.spec_fields import RUN_FIELDS, make_spec, read_yaml
from tasks.types import InputError


def init(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["init", *arguments])
    return int(left.value.code or 0)


def test_the_file_is_the_run_that_the_flags_name(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    flags = ("--task", "procedural-hard", "--limit", "5", "--budgets", "1,4", "--seeds", "0,3", "--preset", "greedy")
    assert init(str(file), *flags, "--out", "elsewhere", "--yes") == 0
    fields = read_yaml(file)
    assert fields.pop("out") == "elsewhere"
    expected = {"task": "procedural-hard", "limit": 5, "budgets": "1,4", "seeds": "0,3", "preset": "greedy"}
    assert make_spec(fields) == make_spec(expected)


def test_every_field_stands_in_the_file_once(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    assert init(str(file), "--yes") == 0
    named = re.findall(r"^(?:# )?(\w+):(?: |$)", file.read_text(), re.MULTILINE)
    assert sorted(named) == sorted((*RUN_FIELDS, *OPTION_FIELDS))


def test_what_is_commented_out_is_what_holds_without_it(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    assert init(str(file), "--task", "procedural", "--yes") == 0
    text = file.read_text()
    whole = re.sub(r"^# (?=(?:  )?\w+: )", "", text, flags=re.MULTILINE).replace("# search:", "search:")
    fields = {name: value for name, value in yaml.safe_load(whole).items() if name in RUN_FIELDS}
    assert len(fields) > len(read_yaml(file)) + 5
    assert make_spec(fields) == make_spec(read_yaml(file))


def test_a_model_without_a_judge_is_given_a_vote(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    assert init(str(file), "--policy", "models/mine", "--yes") == 0
    fields = read_yaml(file)
    assert (fields["ppm"], fields["preset"]) == ("none", "self-consistency")


def test_only_what_no_flag_says_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(question: str, default: str) -> str:
        asked.append(question.split(maxsplit=1)[0])
        return "12" if question.startswith("Problems") else default

    monkeypatch.setattr(cli_init, "_ask", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    file = tmp_path / "run.yaml"
    assert init(str(file), "--task", "procedural", "--policy", "builtin") == 0
    assert asked == ["Reward", "Search", "Budgets", "Problems"]
    assert read_yaml(file)["limit"] == 12


@pytest.mark.parametrize(
    ("flags", "message"),
    [(("--preset", "papr"), "papr"), (("--budgets", "4,2"), "budgets"), (("--seeds", "x"), "seeds")],
)
def test_what_makes_no_run_is_refused_and_nothing_written(
    tmp_path: Path, flags: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.yaml"
    assert init(str(file), *flags, "--yes") == 2
    assert message in capsys.readouterr().err
    assert not file.exists()


def test_a_file_is_overwritten_only_on_demand(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("mine")
    assert init(str(file), "--yes") == 2
    assert file.read_text() == "mine"
    assert init(str(file), "--yes", "--force") == 0
    assert read_yaml(file)["task"] == "procedural"


def test_a_number_of_problems_that_is_none_is_named() -> None:
    with pytest.raises(InputError, match="'some' is neither"):
        cli_init._number("some")
