"""The demonstration, with a scripted engine in place of the models of the package."""

from __future__ import annotations

from pathlib import Path

import pytest
from sum_runs import SOURCE, rstar, write_task

from harness.demo import BUDGETS, LIMIT, TASK, comparison_lines, demo_specs
from harness.report import RULE_TITLES
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
        "sums: 3 methods, 20 problems, 1 seed",
        "greedy, best score at 1: ",
        "weighted-best-of-n, weighted vote at 16: ",
        "tiny, weighted vote at 16: ",
        "The best of 8 rules and budgets from 16 on is ",
        "  against one trajectory: ",
        "  against greedy: ",
        "(exact McNemar)",
    ):
        assert expected in printed
    assert len(list(tmp_path.glob("sums/tiny-*/scaling.png"))) == 1
    assert {path.suffix for path in (tmp_path / "demo").iterdir()} >= {".png", ".html", ".md", ".csv"}
    assert len(list(tmp_path.glob("sums/*/problems.jsonl"))) == 3


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
    summaries = []
    for made in demo_specs(fields | {"limit": 20, "budgets": "1,16,32"}):
        plan = plan_run(made, tmp_path)
        run(plan)
        summaries.append(summarize(plan.folder))
    lines = list(comparison_lines(summaries[0], summaries[1:]))
    accuracy = {
        f"{search.record.spec.preset}, {RULE_TITLES[rule]} at {budget}": search.point(rule, budget).accuracy.value
        for search in summaries[1:]
        for rule in search.record.spec.rules
        for budget in (16, 32)
    }
    [title] = [line for line in lines if "The best of 16" in line]
    name = title.partition(" is ")[2].removesuffix(":")
    assert accuracy[name] == max(accuracy.values())
    assert sum("(exact McNemar, times 16 for the choice)" in line for line in lines) == 2


def test_by_default_it_runs_the_models_of_the_package() -> None:
    greedy, *searches = demo_specs({"task": None})
    assert (greedy.policy, greedy.preset, greedy.task, greedy.limit) == ("builtin", "greedy", TASK, LIMIT)
    assert [search.preset for search in searches] == ["weighted-best-of-n", "tiny"]
    for search in searches:
        assert (search.policy, search.ppm, search.task, search.limit) == ("builtin", "builtin", TASK, LIMIT)
        assert (search.budgets, search.config.temperature) == (BUDGETS, 0.8)


def test_an_installation_without_models_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import rstar as package

    monkeypatch.setattr(package, "__file__", str(tmp_path / "__init__.py"))
    assert rstar("demo", "--out", tmp_path) == 2
    assert "error: --policy builtin: this installation has no models of its own" in capsys.readouterr().err
    assert not (tmp_path / TASK).exists()
