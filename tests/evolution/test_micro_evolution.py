"""One small evolution, done once: what it leaves behind, and what its commands say of that."""

from __future__ import annotations

import json
import math
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli_lineage import lines
from harness.evolution import Outcome, evolve
from rstar.evolution.lineage import trace
from rstar.evolution.manifest import read_manifest
from rstar.evolution.presets import MICRO
from rstar.evolution.settings import ABLATIONS
from rstar.training.stages import RECORD
from tasks.types import InputError

SETTINGS = replace(MICRO, evaluation=replace(MICRO.evaluation, limit=4), ablations=ABLATIONS)


class Killed(BaseException):
    """Stands for a kill."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome, list[str]]:
    out, said = tmp_path_factory.mktemp("evolution"), list[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return out, evolve(SETTINGS, out, said.append, force=True), said


def test_every_stage_is_in_the_manifest_with_its_hashes(done: tuple[Path, Outcome, list[str]]) -> None:
    out, outcome, _ = done
    stages = read_manifest(out)["stages"]
    assert outcome.manifest["stages"] == stages
    rounds = [f"{stage}-{number}" for number in (1, 2) for stage in ("search", "data", "policy", "ppm")]
    assert set(stages) == {"base", *rounds, *ABLATIONS, "data-sft-random", "data-sft-rejection"}
    assert list(stages["policy-2"]["data"]) == ["data-1/sft.jsonl", "data-2/sft.jsonl"]
    assert stages["policy-2"]["starts_from"] == "base"
    assert stages["ppm-1"]["starts_from"] == "policy-1"
    assert stages["ppm-2"]["starts_from"] == "ppm-1"


def test_a_second_call_does_nothing_again(done: tuple[Path, Outcome, list[str]]) -> None:
    out, outcome, _ = done
    said = list[str]()
    again = evolve(SETTINGS, out, said.append, force=True)
    assert again.manifest == outcome.manifest
    assert all("done before" in line or line.startswith(("evaluated", "round")) for line in said)


@pytest.mark.slow
def test_a_stage_that_is_lost_is_made_again_with_the_same_hashes(
    done: tuple[Path, Outcome, list[str]], tmp_path: Path
) -> None:
    out, outcome, _ = done
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    for name in ("search-2", "data-2", "policy-2"):
        shutil.rmtree(copy / name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = evolve(SETTINGS, copy, str, force=True)
    assert again.manifest["sha256"] == outcome.manifest["sha256"]


@pytest.mark.parametrize(
    ("owner", "name", "calls"),
    [
        ("rstar.journal.Journal", "_append", 40),
        pytest.param("rstar.synthesis.run", "write_shard", 1, marks=pytest.mark.slow),
        pytest.param("rstar.training.finite.Finite", "training_step", 3, marks=pytest.mark.slow),
    ],
)
def test_an_evolution_that_is_stopped_in_a_stage_goes_on_from_there(
    done: tuple[Path, Outcome, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: str,
    name: str,
    calls: int,
) -> None:
    from pydoc import locate

    out, outcome, _ = done
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    shutil.rmtree(copy / ("policy-2" if "finite" in owner else "search-2"))
    place = locate(owner)
    before, count = getattr(place, name), list[int]()

    def stops(*arguments: object, **options: object) -> object:
        count.append(1)
        if len(count) == calls:
            raise Killed
        return before(*arguments, **options)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with monkeypatch.context() as patch:
            patch.setattr(place, name, stops)
            with pytest.raises((Killed, BaseExceptionGroup)):
                evolve(SETTINGS, copy, str, force=True)
        assert evolve(SETTINGS, copy, str, force=True).manifest["sha256"] == outcome.manifest["sha256"]


def test_a_row_is_traced_to_its_tree_its_problem_and_its_models(done: tuple[Path, Outcome, list[str]]) -> None:
    out, _, _ = done
    found = trace(f"{out}/data-2/sft.jsonl:1")
    row = json.loads((out / "data-2" / "sft.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert found.row["id"] == found.problem["id"] == row["id"]
    assert "".join(step["text"] for step in found.nodes["solution"]["steps"]) == row["solution"]
    assert found.nodes["solution"]["label"] == 1
    assert list(found.models) == ["policy-1", "ppm-1", "base"]
    assert found.used_by == ["policy-2"]
    assert all(found.checks.values())
    assert f"problem  {row['id']}" in "\n".join(lines(found))


def test_a_pair_is_traced_to_both_its_nodes(done: tuple[Path, Outcome, list[str]]) -> None:
    out, _, _ = done
    found = trace(f"{out}/data-1/pairs.jsonl:1")
    row = json.loads((out / "data-1" / "pairs.jsonl").read_text(encoding="utf-8").splitlines()[0])
    for part in ("chosen", "rejected"):
        assert "".join(step["text"] for step in found.nodes[part]["steps"]) == row[part]
    assert found.used_by == ["ppm-1", "ppm-2"]


def test_a_changed_file_fails_its_check(done: tuple[Path, Outcome, list[str]], tmp_path: Path) -> None:
    from harness.cli_lineage import lineage

    out, _, _ = done
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    with (copy / "data-2" / "sft.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n")
    found = trace(f"{copy}/data-2/sft.jsonl:1")
    assert [name for name, is_same in found.checks.items() if not is_same] == ["data-2/sft.jsonl"]
    assert lineage(f"{copy}/data-2/sft.jsonl:1", as_json=True) == 1


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("data-2/sft.jsonl", "write FILE:LINE"),
        ("data-2/sft.jsonl:100000", "has no line 100000"),
        ("data-9/sft.jsonl:1", "cannot be read"),
        ("base/sft.jsonl:1", "the scripted teacher's lessons"),
    ],
)
def test_a_row_that_is_not_there_is_one_clear_line(
    done: tuple[Path, Outcome, list[str]], row: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        trace(f"{done[0]}/{row}")


def test_the_report_has_the_papers_tables(done: tuple[Path, Outcome, list[str]]) -> None:
    out, _, _ = done
    content = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert {line["table"] for line in content["lines"]} == {2, 3, 4, 6, 7, 8}
    paper = {line["label"]: line["paper"] for line in content["lines"] if line["table"] in (2, 3)}
    assert paper == {
        "round 1": 60.17,
        "round 2": 66.60,
        "base": 58.8,
        "policy-1": pytest.approx(69.6),
        "policy-2": pytest.approx(73.6),
    }
    assert [line["paper"] for line in content["lines"] if line["table"] == 8] == pytest.approx([82.6, 88.2, 89.4])
    text = (out / "report.md").read_text(encoding="utf-8")
    assert "## Gates" in text
    assert len(content["gates"]) == 2


def test_a_manifest_that_was_changed_by_hand_is_refused(done: tuple[Path, Outcome, list[str]], tmp_path: Path) -> None:
    content = read_manifest(done[0])
    content["stages"]["base"]["weights_sha256"] = "0" * 64
    (tmp_path / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="changed by hand"):
        read_manifest(tmp_path)


def test_other_settings_are_refused_in_the_same_folder(done: tuple[Path, Outcome, list[str]]) -> None:
    with pytest.raises(InputError, match="holds an evolution with other seed"):
        evolve(replace(SETTINGS, seed=1), done[0], str)


def test_the_commands_answer_with_their_exit_codes(done: tuple[Path, Outcome, list[str]]) -> None:
    import typer

    from harness.cli_lineage import lineage

    app = typer.Typer()
    app.command()(lineage)
    result = CliRunner().invoke(app, [f"{done[0]}/data-1/sft.jsonl:1", "--json"], standalone_mode=False)
    assert result.return_value == 0
    assert json.loads(result.output)["row"]["file"] == "data-1/sft.jsonl"


def test_a_value_model_is_judged_on_the_trees(done: tuple[Path, Outcome, list[str]]) -> None:
    from harness.ppm_report import for_json, measure
    from harness.ppm_report import lines as report_lines
    from rstar.reward.ppm import TransformersPPM

    out, _, _ = done
    with TransformersPPM.load(out / "ppm-2", device="cpu") as model:
        found = measure(model, [out / "search-1"], (1, 2, 4))
    assert found.num_problems == 16
    assert all(choice.oracle.value >= choice.best.value for choice in found.choices)
    assert 0 <= found.ends.expected_error <= 1
    assert for_json(found)["choices"][0]["regret"] == pytest.approx(0)
    assert "pairs ranked right" in report_lines(found)


def test_a_depth_without_right_solutions_has_a_dash_and_null_for_their_value() -> None:
    from harness.ppm_report import for_json, lines
    from harness.ppm_statistics import DepthLine, PpmReport
    from rstar.training.calibration import calibration

    some = calibration([0.5], [1.0])
    found = PpmReport(1, 1, (), some, some, (DepthLine(1, 0, 1, math.nan, -0.5, 0.0),), ())
    assert "   1             - (0)    -0.500 (1)  +0.000" in lines(found)
    assert for_json(found)["depths"][0]["right"] is None


def test_every_finished_stage_has_its_record(done: tuple[Path, Outcome, list[str]]) -> None:
    assert all("facts" in json.loads(path.read_text(encoding="utf-8")) for path in done[0].glob(f"*/{RECORD}"))
