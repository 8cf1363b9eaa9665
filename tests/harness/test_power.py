"""Planning: the power that is promised is the power that the tests have, in closed form and by simulation."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import multinomial, ttest_ind, ttest_rel
from sum_runs import rstar, solved, write_task

from harness.paired import mcnemar
from harness.power import Comparison, detectable_gap, power, problems_needed, seeds_needed
from tasks.types import InputError


def split(plan: Comparison, gap: float) -> tuple[float, float]:
    """(chance that only B solves a problem, that only A does), from the definition of a correlation."""
    first, second = plan.accuracy, plan.accuracy + gap
    both = first * second + plan.correlation * math.sqrt(first * (1 - first) * second * (1 - second))
    return second - both, first - both


def test_the_power_of_single_runs_is_mcnemars_summed_over_every_outcome() -> None:
    plan, gap, num = Comparison(accuracy=0.4, correlation=0.3), 0.3, 14
    gained, lost = split(plan, gap)
    found = 0.0
    for up, down in product(range(num + 1), repeat=2):
        if up + down <= num and up > down and mcnemar(up, down) <= plan.level:
            found += multinomial.pmf([up, down, num - up - down], num, [gained, lost, 1 - gained - lost])
    assert power(plan, gap, num) == pytest.approx(found, abs=1e-9)


def test_the_power_of_single_runs_is_found_in_simulations() -> None:
    plan, gap, num, times = Comparison(accuracy=0.5, correlation=0.5), 0.1, 150, 4000
    gained, lost = split(plan, gap)
    drawn = np.random.default_rng(1).multinomial(num, [gained, lost, 1 - gained - lost], times)
    kinds, counts = np.unique(drawn, axis=0, return_counts=True)
    seen = sum(
        count for (up, down, _), count in zip(kinds, counts, strict=True) if up > down and mcnemar(up, down) <= 0.05
    )
    expectation = power(plan, gap, num)
    assert 0.3 < expectation < 0.9
    assert seen / times == pytest.approx(expectation, abs=4 * math.sqrt(expectation * (1 - expectation) / times))


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("seeds", [2, 8])
def test_the_power_of_repeated_runs_is_found_in_simulations(paired: bool, seeds: int) -> None:
    """Problems with chances from a beta distribution of correlation 0.4; B solves each problem by 12 points more."""
    gap, num, times, size = 0.12, 60, 3000, 1 / 0.4 - 1
    generator = np.random.default_rng(seeds)
    first = generator.beta(0.4 * size, 0.6 * size, (times, num))
    # The same order of difficulty for both where they are paired: chances correlated by 1, runs by 0.4 or so.
    second = first if paired else generator.beta(0.4 * size, 0.6 * size, (times, num))
    second = second * (1 - gap / 0.6) + gap / 0.6
    one, other = (generator.binomial(seeds, chances) / seeds for chances in (first, second))
    result = (ttest_rel if paired else ttest_ind)(other, one, axis=1)
    seen = float(((result.pvalue <= 0.05) & (result.statistic > 0)).mean())
    # What these problems have, measured on the chances themselves.
    variance = np.mean([0.4 * 0.6, 0.52 * 0.48])
    repeat = float(np.mean([first.var(), second.var()]) / variance)
    between = float(np.mean((first - first.mean()) * (second - second.mean())) / variance)
    plan = Comparison(
        accuracy=0.4, repeat_correlation=repeat, correlation=min(repeat, max(0.0, between)), is_paired=paired
    )
    assert power(plan, gap, num, seeds) == pytest.approx(seen, abs=0.035)


def test_the_level_is_the_power_at_no_gap() -> None:
    plan = Comparison(level=0.1)
    # One side of a two-sided test; the exact test of single runs allows less.
    assert power(plan, 1e-9, 500, 4) == pytest.approx(0.05, abs=1e-6)
    assert 0.03 < power(plan, 1e-9, 500) < 0.05


@pytest.mark.parametrize("seeds", [1, 4])
@pytest.mark.parametrize("paired", [True, False])
def test_the_needed_numbers_reach_what_was_wanted(seeds: int, paired: bool) -> None:
    plan = Comparison(is_paired=paired)
    problems = problems_needed(plan, 0.05, seeds)
    gap = detectable_gap(plan, 200, seeds)
    assert problems is not None
    assert gap is not None
    assert power(plan, 0.05, problems, seeds) >= 0.8
    assert power(plan, 0.05, int(0.9 * problems), seeds) < 0.8
    assert power(plan, gap, 200, seeds) == pytest.approx(0.8, abs=1e-4)


def test_more_seeds_help_only_as_far_as_problems_differ() -> None:
    plan = Comparison()
    powers = [power(plan, 0.05, 300, seeds) for seeds in (1, 2, 4, 16, 1024)]
    assert powers == sorted(powers)
    assert seeds_needed(plan, 0.05, 30) is None
    few = seeds_needed(plan, 0.05, 300)
    assert few is not None
    assert power(plan, 0.05, 300, few) >= 0.8 > power(plan, 0.05, 300, few - 1)
    same = Comparison(repeat_correlation=1.0)
    assert power(same, 0.05, 300, 2) == pytest.approx(power(same, 0.05, 300, 64))


def test_pairing_never_costs_power() -> None:
    for seeds in (2, 8):
        paired, unpaired = (power(Comparison(is_paired=each), 0.08, 200, seeds) for each in (True, False))
        assert paired > unpaired


@pytest.mark.parametrize("accuracy", [0.001, 0.5, 0.999])
@pytest.mark.parametrize("problems", [1, 2, 3, 10_000])
@pytest.mark.parametrize("seeds", [1, 2, 64])
@pytest.mark.parametrize("correlation", [0.0, 1.0])
def test_every_power_is_a_probability(accuracy: float, problems: int, seeds: int, correlation: float) -> None:
    for paired in (True, False):
        plan = Comparison(accuracy=accuracy, repeat_correlation=correlation, correlation=correlation, is_paired=paired)
        for gap in (1e-6, plan.largest_gap / 2, plan.largest_gap):
            assert 0.0 <= power(plan, gap, problems, seeds) <= 1.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"accuracy": 1.0}, "accuracy 1 is not between"),
        ({"repeat_correlation": 1.5}, "repeat correlation 1.5"),
        ({"repeat_correlation": 0.2, "correlation": 0.3}, "must be between 0 and the correlation between two runs"),
    ],
)
def test_an_impossible_comparison_is_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Comparison(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("gap", "problems", "seeds"), [(0.6, 30, 1), (0.0, 30, 1), (0.1, 0, 1), (0.1, 30, 0)])
def test_an_impossible_gap_or_number_is_refused(gap: float, problems: int, seeds: int) -> None:
    with pytest.raises(InputError):
        power(Comparison(), gap, problems, seeds)


def test_the_command_says_whether_a_gap_can_be_seen(capsys: pytest.CaptureFixture[str]) -> None:
    assert rstar("power", "--task", "aime2024", "--gap", "5") == 0
    text = capsys.readouterr().out
    assert text.startswith("aime2024, 30 problems: a gap of 5 points cannot be seen")
    needed = problems_needed(Comparison(), 0.05, 4)
    assert any(line.split()[:1] == ["4"] and line.endswith(f"{needed:,}") for line in text.splitlines())
    assert rstar("power", "--problems", "5000", "--gap", "5", "--seeds", "1") == 0
    assert "is seen with a chance of 80 % from 1 seed per problem on" in capsys.readouterr().out


def test_the_json_holds_the_figures_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert rstar("power", "--problems", "100", "--gap", "10", "--seeds", "2,1", "--accuracy", "40", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert [(row["seeds"], row["paired"]) for row in content["rows"]] == [(1, True), (2, True), (1, False), (2, False)]
    assert content["rows"][1]["power"] == power(Comparison(accuracy=0.4), 0.1, 100, 2)


def test_one_problem_shows_nothing_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert rstar("power", "--problems", "1", "--seeds", "1") == 0
    text = capsys.readouterr().out
    assert "A task, 1 problem: with 1 seed per problem no gap can be seen" in text
    assert "nan" not in text


def test_a_run_gives_accuracy_correlation_and_problems(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    plan = solved(write_task(tmp_path / "sums.jsonl", 5), tmp_path, budgets=[1], seeds=[0, 1])
    assert rstar("power", "--run", plan.folder, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["num_problems"] == 5
    assert 0 < content["assumed"]["accuracy"] < 1
    assert plan.record.id in content["source"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gap", "5"], "give --task, --problems or --run"),
        (["--problems", "0"], "--problems 0"),
        (["--problems", "30", "--gap", "60"], "the largest is 50"),
        (["--problems", "30", "--gap", "-1"], "--gap -1"),
        (["--problems", "30", "--accuracy", "0.5"], "is in per cent; write 50"),
        (["--problems", "30", "--seeds", "0"], "--seeds 0"),
        (["--problems", "30", "--repeat-correlation", "2"], "--repeat-correlation 2"),
        (["--problems", "30", "--correlation", "0.9"], "cannot agree more"),
        (["--problems", "30", "--chance", "100"], "--chance 100"),
        (["--task", "nothing"], "nothing"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert rstar("power", *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
