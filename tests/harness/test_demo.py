"""The demonstration, with a scripted engine in place of the models of the package."""

from __future__ import annotations

from pathlib import Path

import pytest
from sum_runs import SOURCE, rstar, write_task

from harness.demo import BUDGETS, LIMIT, TASK, comparison_lines, demo_specs
from harness.run import plan_run, run
from harness.run_summary import summarize


def demonstrate(task: Path, out: Path, *more: object) -> int:
    return rstar(
        *("demo", "--task", f"user:{task}", "--engine", "scripted", "--policy", SOURCE, "--interpreter", "arithmetic"),
        *("--limit", 20, "--budgets", "1,16", "--out", out, *more),
    )


def test_the_demonstration_ends_with_a_table_a_curve_and_a_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demonstrate(write_task(tmp_path / "sums.jsonl", 40), tmp_path) == 0
    printed = capsys.readouterr().out
    for expected in (
        "mcts (preset tiny), 20 of 40 problems, seed 0",
        "Greedy, best score at 1: ",
        "Search, weighted vote at 16: ",
        "weighted vote at 16, the run's own rule, on the same 20 problems:",
        "  against one trajectory: ",
        "  against greedy: ",
        "(exact McNemar)",
    ):
        assert expected in printed
    assert len(list(tmp_path.glob("sums/tiny-*/scaling.png"))) == 1
    assert len(list(tmp_path.glob("sums/*/problems.jsonl"))) == 2


def test_a_second_demonstration_shows_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = write_task(tmp_path / "sums.jsonl", 20)
    texts = []
    for _ in range(2):
        assert demonstrate(task, tmp_path) == 0
        texts.append(capsys.readouterr().out.partition("\nDone in")[0])
    assert texts[0] == texts[1]


def test_the_choice_of_the_best_is_paid_for_in_its_p_value(tmp_path: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 20)
    fields = {"task": f"user:{task}", "engine": "scripted", "policy": str(SOURCE), "interpreter": "arithmetic"}
    folders = []
    for made in demo_specs(fields | {"limit": 20, "budgets": "1,16,32", "rule": "top_k"}):
        plan = plan_run(made, tmp_path)
        run(plan)
        folders.append(plan.folder)
    greedy, search = map(summarize, folders)
    rules = {
        (rule, budget): search.point(rule, budget).accuracy.value
        for rule in search.record.spec.rules
        for budget in (16, 32)
    }
    lines = list(comparison_lines(greedy, search))
    best = max(rules.values())
    assert best > rules["top_k", 32], "the seed of this test must have a best rule that is not the run's own"
    [title] = [line for line in lines if "the best of 8" in line]
    assert "on the same 20 problems" in title
    assert sum("(exact McNemar, times 8 for the choice)" in line for line in lines) == 2


def test_by_default_it_runs_the_models_of_the_package() -> None:
    greedy, search = demo_specs({"task": None})
    assert (greedy.policy, search.ppm, greedy.preset, search.preset) == ("builtin", "builtin", "greedy", "tiny")
    assert (greedy.task, greedy.limit, search.budgets) == (TASK, LIMIT, BUDGETS)
    assert (search.task, search.limit) == (greedy.task, greedy.limit)


def test_an_installation_without_models_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import rstar as package

    monkeypatch.setattr(package, "__file__", str(tmp_path / "__init__.py"))
    assert rstar("demo", "--out", tmp_path) == 2
    assert "error: --policy builtin: this installation has no models of its own" in capsys.readouterr().err
    assert not (tmp_path / TASK).exists()
