"""A run is what its fields say: all of them checked, resolved and part of its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sum_runs import SOURCE, fields, flags, rstar, spec, write_task

from harness.run_inputs import RunInputs, identity, run_id
from harness.spec import RunSpec
from harness.spec_fields import make_spec, read_yaml
from rstar.search.presets import PRESETS
from tasks.types import InputError

INPUTS = RunInputs("1", "a" * 64, "b" * 64, "c" * 64, "1")
GIVEN = {"task": "aime2024", "preset": "tiny"}


@pytest.mark.parametrize("preset", PRESETS)
def test_the_content_of_a_spec_makes_the_same_spec(preset: str) -> None:
    made = make_spec({"task": "aime2024", "preset": preset})
    assert make_spec(made.content()) == made


def test_equal_specs_have_equal_ids_whatever_was_spelled_out() -> None:
    spelled = {**GIVEN, "budgets": "1,2,4,8,16,32", "seeds": [0], "search": {"num_candidates": 4}, "policy": "builtin"}
    assert run_id(make_spec(spelled), INPUTS) == run_id(make_spec(GIVEN), INPUTS)


@pytest.mark.parametrize(
    "change",
    [
        *({"task": "amc2023"}, {"budgets": [1, 2]}, {"seeds": [1]}, {"limit": 3}, {"rule": "best"}, {"device": "cpu"}),
        *({"search": {"exploration": 1.0}}, {"search": {"stop": "certain"}}, {"trees": "full"}, {"top_k": 8}),
        *({"step_seconds": 1}, {"require_sandbox": "full"}, {"max_new_tokens": 64}, {"dtype": "float32"}),
        *({"layout": "cot"}, {"layout": "bootstrap"}, {"top_p": 0.9}, {"sampling_top_k": 20}),
    ],
)
def test_every_field_is_part_of_the_identity(change: dict[str, Any]) -> None:
    assert identity(make_spec({**GIVEN, **change}), INPUTS) != identity(make_spec(GIVEN), INPUTS)


@pytest.mark.parametrize("name", RunInputs.__slots__)
def test_every_input_is_part_of_the_identity(name: str) -> None:
    made = make_spec(GIVEN)
    assert identity(made, replace(INPUTS, **{name: "other"})) != identity(made, INPUTS)


def test_where_a_model_lies_is_no_part_of_the_identity(tmp_path: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 2)
    here = spec(task)
    there = replace(here, policy="elsewhere.py", ppm="elsewhere.py")
    assert identity(replace(here, orm="a.py"), INPUTS) == identity(here, INPUTS)
    assert identity(here, INPUTS) == identity(there, INPUTS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": 4}, "field 'budget' is unknown; did you mean 'budgets'"),
        ({"preset": "huge"}, "preset 'huge' is unknown; use paper-eval"),
        ({"preset": "", "method": "dfs"}, "method 'dfs' is unknown; use sample"),
        ({"method": "sample"}, "preset tiny is a mcts search, not sample"),
        ({"search": {"width": 3}}, "search setting 'width' is unknown here; use budget"),
        ({"search": {"num_candidates": 0}}, "num_candidates = 0 is out of range"),
        ({"search": {"budget": 4}}, "the budget is the largest of the field 'budgets'"),
        ({"search": [1]}, "field 'search': .1. holds no settings"),
        ({"budgets": [4, 2]}, "field 'budgets': .4, 2. is not ascending"),
        ({"budgets": [2, 2]}, "is not ascending"),
        ({"budgets": [0, 2]}, "field 'budgets': .0, 2. is not ascending; write different whole numbers from 1"),
        ({"budgets": []}, "field 'budgets'"),
        ({"budgets": "1,two"}, "field 'budgets': '1,two' is no list of whole numbers; write e.g. 1,2,4,8"),
        ({"budgets": [1.5]}, "field 'budgets': 1.5 is no whole number"),
        ({"budgets": [True]}, "field 'budgets': True is no whole number"),
        ({"seeds": [1, 1]}, "field 'seeds'"),
        ({"seeds": [-1]}, "field 'seeds'"),
        ({"limit": 0}, "field 'limit': 0 is less than 1"),
        ({"limit": "many"}, "field 'limit': 'many' is no whole number"),
        ({"rule": "mean"}, "field 'rule': 'mean' is unknown; use one of best, majority"),
        ({"engine": "magic"}, "field 'engine': 'magic' is unknown; use one of transformers, vllm, scripted, server"),
        ({"trees": "some"}, "field 'trees'"),
        ({"require_sandbox": "much"}, "field 'require_sandbox'"),
        ({"task": 7}, "field 'task': 7 is no text"),
        ({"task": ""}, "field 'task' is missing"),
        ({"policy": "m"}, "field 'ppm' is missing"),
        ({"policy": "m", "ppm": "n", "preset": ""}, "no search is named; add --preset"),
        ({"policy": "m", "ppm": "none"}, "field 'ppm': method mcts needs a reward model"),
        ({"preset": "self-consistency", "ppm": "none", "rule": "best"}, "field 'rule': 'best' needs a reward model"),
        ({"preset": "particle", "budgets": [1, 2]}, "smaller budget is a run of its own; give one budget"),
        ({"top_p": 0}, "field 'top_p': 0.0 is not above 0 and at most 1; use 1 for no limit"),
        ({"top_p": 1.1}, "field 'top_p': 1.1 is not above 0"),
        ({"top_p": "most"}, "field 'top_p': 'most' is no number"),
        ({"sampling_top_k": -1}, "field 'sampling_top_k': -1 is negative; use 0 for no limit"),
        ({"engine": "scripted", "policy": "p.py", "top_p": 0.5}, "a scripted engine draws no tokens; leave them out"),
        ({"preset": "best-of-n", "ppm": "a", "orm": "b"}, "field 'orm': .* name a ppm or an orm, not both"),
        ({"ppm": "none", "orm": "b"}, "field 'ppm': method mcts needs a reward model"),
        ({"engine": "scripted"}, "a scripted engine is a Python file; name it with --policy FILE"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_the_field(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        make_spec({**GIVEN, **change})
    assert "\n" not in str(caught.value)


def test_a_policy_without_a_reward_model_votes_by_majority_alone() -> None:
    made = make_spec({"task": "aime2024", "preset": "self-consistency", "policy": "model"})
    assert (made.ppm, made.rule, made.rules) == ("none", "majority", ("majority",))


@pytest.mark.parametrize("preset", ["best-of-n", "weighted-best-of-n"])
def test_best_of_n_by_an_orm_needs_no_ppm(preset: str) -> None:
    made = make_spec({"task": "aime2024", "preset": preset, "policy": "model", "orm": "judge"})
    assert (made.ppm, made.orm, made.rule) == ("none", "judge", PRESETS[preset].rule)
    assert make_spec(made.content()) == made


def test_a_terminal_guided_search_needs_an_orm_alone() -> None:
    given = {"task": "aime2024", "preset": "round2", "policy": "model", "ppm": "none", "orm": "judge"}
    assert make_spec(given).rules == ("best", "majority", "weighted", "top_k")
    with pytest.raises(InputError, match="field 'ppm': method mcts needs a reward model"):
        make_spec(given | {"orm": "none"})


def test_budgets_are_powers_of_two_up_to_the_presets_unless_named() -> None:
    assert make_spec({**GIVEN, "preset": "paper-eval"}).budgets == (1, 2, 4, 8, 16, 32, 64)
    assert make_spec({**GIVEN, "preset": "greedy"}).budgets == (1,)
    assert make_spec({**GIVEN, "preset": "particle"}).budgets == (64,)
    assert make_spec({**GIVEN, "budgets": "3,10"}).config.budget == 10


def planned(*arguments: object, monkeypatch: pytest.MonkeyPatch) -> RunSpec:
    """The spec that `rstar run` with these arguments makes."""
    specs: list[RunSpec] = []

    def note(made: RunSpec, out: Path) -> Any:
        specs.append(made)
        raise InputError("noted")

    monkeypatch.setattr("harness.cli_run.plan_run", note)
    assert rstar("run", *arguments) == 2
    return specs[0]


def test_flags_override_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("task: aime2024\npreset: tiny\nlimit: 9\nbudgets: [1, 8]\nsearch: {exploration: 1.5}\n")
    made = planned(
        *(file, "--limit", 5, "--candidates", 3, "--set", "max_depth=7", "--adaptive-stop", "posterior"),
        monkeypatch=monkeypatch,
    )
    assert (made.limit, made.budgets) == (5, (1, 8))
    config: Any = made.config
    assert (config.exploration, config.num_candidates, config.max_depth, config.stop) == (1.5, 3, 7, "posterior")


def test_a_method_flag_takes_the_place_of_the_files_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("task: aime2024\npreset: tiny\n")
    made = planned(file, "--method", "sample", monkeypatch=monkeypatch)
    assert (made.method, made.preset) == ("sample", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task: [", "is not YAML"),
        ("- task", "holds no fields; write one 'name: value' a line"),
        ("", "holds no fields"),
        ("task: a\ntask: b\n", "field 'task' stands there twice"),
        ("task: !!python/object/apply:os.system [ls]\n", "is not YAML"),
    ],
)
def test_a_bad_yaml_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=f"run.yaml: .*{message}"):
        read_yaml(file)


def test_an_unknown_field_of_a_file_is_named_with_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("task: aime2024\nbudgts: [1]\n")
    assert rstar("run", file) == 2
    assert f"error: {file}: field 'budgts' is unknown; did you mean 'budgets'?\n" == capsys.readouterr().err


def test_a_file_may_say_how_the_run_is_done(tmp_path: Path) -> None:
    import yaml

    task = write_task(tmp_path / "sums.jsonl", 2)
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump({**fields(task), "out": str(tmp_path / "here"), "concurrency": 1, "programs": 1}))
    assert rstar("run", file) == 0
    assert len(list((tmp_path / "here").glob("sums/*/problems.jsonl"))) == 1


@pytest.mark.parametrize("setting", ["exploration", "=1", "exploration=[", "exploration=much"])
def test_a_bad_set_flag_is_refused(tmp_path: Path, setting: str, capsys: pytest.CaptureFixture[str]) -> None:
    task = write_task(tmp_path / "sums.jsonl", 2)
    assert rstar("run", *flags(task, tmp_path), "--set", setting) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    "name", ["concurrency", "programs", "kv_memory_mb", "max_samples", "threads", "max_failures", "request_seconds"]
)
def test_a_way_of_running_below_one_is_refused(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    task = write_task(tmp_path / "sums.jsonl", 2)
    file = tmp_path / "run.yaml"
    file.write_text(f"task: user:{task}\nengine: scripted\npolicy: {SOURCE}\npreset: tiny\n{name}: 0\n")
    assert rstar("run", file, "--out", tmp_path) == 2
    assert f"error: field '{name}': 0 is no whole number of at least 1" in capsys.readouterr().err


def test_a_train_pool_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = write_task(tmp_path / "sums.jsonl", 2)
    assert rstar("run", *flags(task, tmp_path), "--task", "procedural-train") == 2
    assert capsys.readouterr().err == (
        "error: task 'procedural-train' is a train pool; name an evaluation task instead, see 'rstar tasks'\n"
    )
