"""How often the 95 % intervals hold the true accuracy at 30 problems: single runs exactly, repeated ones simulated.

    python tests/benchmarks/coverage.py [--problems 30] [--simulations 4000] [--seeds 2,4,8] [--json FILE]

Single runs: every number of right answers weighted by its binomial probability, so there is no Monte Carlo error.
Wilson's interval (the one in use) stands beside Jeffreys's, Clopper and Pearson's and the textbook one (Wald).

Repeated runs: each problem has a chance to be solved of its own, drawn from a distribution with mean p; the count of a
problem is binomial. `beta r`: beta distribution with correlation r between two runs; `logit s`: logistic of a normal
with deviation s, which is no beta; `two kinds w`: a share w of the problems is always or never solved, the others near
p. `in use` is `intervals.repeated`, which is made of the next two; beside it Student's t over problems, and Wilson's
interval with all runs counted as independent.

Last, `mean_of` for pass@k of 16 trajectories and `flip_rate`, with a quarter of the simulations.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln
from scipy.stats import beta, binom, binomtest, t

from harness.intervals import Z_95, effective_wilson, posterior, repeated, wilson
from harness.metrics import flip_rate, mean_of, pass_at_k
from rstar.seeds import derive

Interval = tuple[float, float]
TRUE_SHARES = tuple(round(0.05 * step, 2) for step in range(1, 20))
SOME_SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 0.95)
"""For the repeated runs."""
BETWEEN = (("beta", 0.1), ("beta", 0.4), ("beta", 0.8), ("logit", 2.0), ("two kinds", 0.5))


def jeffreys(share: float, count: float) -> Interval:
    right = share * count
    low = 0.0 if right == 0 else beta.ppf(0.025, right + 0.5, count - right + 0.5)
    return low, 1.0 if right == count else beta.ppf(0.975, right + 0.5, count - right + 0.5)


def exact(share: float, count: float) -> Interval:
    found = binomtest(round(share * count), round(count)).proportion_ci(method="exact")
    return found.low, found.high


def wald(share: float, count: float) -> Interval:
    half = Z_95 * math.sqrt(share * (1 - share) / count)
    return share - half, share + half


SINGLE: dict[str, Callable[[float, float], Interval]] = {
    "wilson": wilson,
    "jeffreys": jeffreys,
    "clopper-pearson": exact,
    "wald": wald,
}


def single_coverage(
    method: Callable[[float, float], Interval], num_problems: int, shares: NDArray[Any]
) -> NDArray[Any]:
    """The chance that the interval holds the true share, for each of `shares`."""
    counts = np.arange(num_problems + 1)
    ends = np.array([method(count / num_problems, num_problems) for count in counts])
    chance = binom.pmf(counts[None, :], num_problems, shares[:, None])
    held = (ends[:, 0] <= shares[:, None]) & (shares[:, None] <= ends[:, 1])
    return np.asarray((chance * held).sum(axis=1))


def is_attainable(num_problems: int, share: float) -> bool:
    """Whether any range of counts at all has a chance of 93 to 97 % of this share."""
    below = np.concatenate([[0.0], binom.cdf(np.arange(num_problems + 1), num_problems, share)])
    chance = below[None, 1:] - below[:-1, None]
    return bool(((chance >= 0.93) & (chance <= 0.97)).any())


def solve_chances(kind: str, parameter: float, share: float, size: tuple[int, int], seed: int) -> NDArray[Any]:
    """Chances of problems to be solved, with mean `share`, shape `size`."""
    generator = np.random.default_rng(seed)
    if kind == "beta":
        total = 1 / parameter - 1
        return generator.beta(share * total, (1 - share) * total, size)
    if kind == "logit":
        nodes, weights = np.polynomial.hermite_e.hermegauss(80)
        centres = np.linspace(-12, 12, 4001)
        means = (weights / weights.sum()) @ (1 / (1 + np.exp(-(centres[None, :] + parameter * nodes[:, None]))))
        centre = np.interp(share, means, centres)
        return np.asarray(1 / (1 + np.exp(-(centre + parameter * generator.standard_normal(size)))))
    always = (generator.random(size) < share).astype(float)
    return np.where(generator.random(size) < parameter, always, generator.beta(4 * share, 4 * (1 - share), size))


def student(counts: Sequence[int], runs: int) -> Interval:
    shares = np.array(counts) / runs
    half = t.ppf(0.975, len(counts) - 1) * shares.std(ddof=1) / math.sqrt(len(counts))
    return shares.mean() - half, shares.mean() + half


def unclustered(counts: Sequence[int], runs: int) -> Interval:
    return wilson(sum(counts) / (len(counts) * runs), len(counts) * runs)


REPEATED: dict[str, Callable[[Sequence[int], int], Interval]] = {
    "in use": repeated,
    "posterior": posterior,
    "effective wilson": effective_wilson,
    "student": student,
    "unclustered": unclustered,
}


def repeated_coverage(
    case: tuple[str, float], share: float, runs: int, problems: int, simulations: int
) -> dict[str, float]:
    """Share of the simulations whose interval holds `share`, per method."""
    seed = derive(0, *case[:1], *(round(1000 * each) for each in (case[1], share)), runs, problems)
    chances = solve_chances(*case, share, (simulations, problems), seed)
    counts = np.sort(np.random.default_rng(seed + 1).binomial(runs, chances), axis=1)
    kinds, times = np.unique(counts, axis=0, return_counts=True)
    found = {}
    for name, method in REPEATED.items():
        ends = np.array([method(row, runs) for row in kinds.tolist()])
        found[name] = float(times @ ((ends[:, 0] <= share) & (share <= ends[:, 1])) / simulations)
    return found


def show_single(problems: int) -> dict[str, Any]:
    grid, fine = np.array(TRUE_SHARES), np.linspace(0.05, 0.95, 1801)
    print(f"Single runs of {problems} problems, exact coverage in %, p from 0.05 to 0.95")
    print(f"{'method':18}{'mean':>7}{'lowest':>8}{'highest':>9}{'share of p within 93-97':>25}{'same, 19 values':>17}")
    found = {}
    for name, method in SINGLE.items():
        held, coarse = single_coverage(method, problems, fine), single_coverage(method, problems, grid)
        within = ((held >= 0.93) & (held <= 0.97)).mean()
        few = ((coarse.round(3) >= 0.93) & (coarse.round(3) <= 0.97)).sum()
        print(
            f"{name:18}{100 * held.mean():7.1f}{100 * held.min():8.1f}{100 * held.max():9.1f}{100 * within:25.1f}"
            f"{few:14d}/19"
        )
        found[name] = {"mean": held.mean(), "lowest": held.min(), "highest": held.max(), "within": within}
    missed = [share for share in fine if not is_attainable(problems, share)]
    print(
        f"No interval at all can be within 93-97 at {100 * len(missed) / len(fine):.1f} % of these p: counts are whole "
        "numbers, and no range of them has such a chance there."
    )
    return found


def show_repeated(problems: int, seeds: Sequence[int], simulations: int) -> list[dict[str, Any]]:
    print(f"\nRepeated runs of {problems} problems, {simulations:,} simulations a row, coverage in %")
    print(f"{'between problems':16}{'seeds':>6}{'p':>6}" + "".join(f"{name:>18}" for name in REPEATED), flush=True)
    rows = []
    for case in BETWEEN:
        for runs in seeds:
            for share in SOME_SHARES:
                held = repeated_coverage(case, share, runs, problems, simulations)
                rows.append({"between": f"{case[0]} {case[1]:g}", "seeds": runs, "p": share, **held})
                cells = "".join(f"{100 * each:18.1f}" for each in held.values())
                print(f"{rows[-1]['between']:16}{runs:6d}{share:6.2f}{cells}", flush=True)
    print(f"\n{'method':18}{'mean':>7}{'lowest':>8}{'highest':>9}{'rows within 93-97':>19}")
    for name in REPEATED:
        values = np.array([row[name] for row in rows])
        within = ((values >= 0.93) & (values <= 0.97)).sum()
        figures = f"{100 * values.mean():7.1f}{100 * values.min():8.1f}{100 * values.max():9.1f}"
        print(f"{name:18}{figures}{within:13d} of {len(rows)}")
    return rows


def expectation_rows(problems: int, simulations: int) -> list[dict[str, Any]]:
    """Coverage of `mean_of` for pass@k of 16 trajectories, and of `flip_rate`; problems from a beta distribution."""
    rows = []
    for share in (0.1, 0.3, 0.5, 0.8):
        for correlation in (0.2, 0.6):
            right, wrong = share * (1 / correlation - 1), (1 - share) * (1 / correlation - 1)
            seed = derive(1, round(1000 * share), round(1000 * correlation), problems)
            counts = np.random.default_rng(seed).binomial(
                16, solve_chances("beta", correlation, share, (simulations, problems), seed)
            )
            for size in (2, 4, 8):
                values = np.array([pass_at_k(16, count, size) for count in range(17)])
                truth = 1 - math.exp(betaln(right, wrong + size) - betaln(right, wrong))
                found = [mean_of(list(values[row]), 16 // size) for row in counts]
                rows.append({"figure": f"pass@{size} of 16", "p": share, "correlation": correlation, "truth": truth,
                             "held": float(np.mean([each.low <= truth <= each.high for each in found]))})  # fmt: skip
            truth = 2 * share * (1 - share) * (1 - correlation)
            for seeds in (2, 4):
                few = np.random.default_rng(seed + 1).hypergeometric(counts, 16 - counts, seeds)
                rates = [flip_rate(row, seeds) for row in few.tolist()]
                rows.append({"figure": f"flips, {seeds} seeds", "p": share, "correlation": correlation, "truth": truth,
                             "held": float(np.mean([each.low <= truth <= each.high for each in rates]))})  # fmt: skip
    return rows


def show_expectations(problems: int, simulations: int) -> list[dict[str, Any]]:
    rows = expectation_rows(problems, simulations)
    print(f"\nExpectations and flip rates of {problems} problems, {simulations:,} simulations a row, coverage in %")
    print(f"{'figure':16}{'rows':>6}{'mean':>8}{'lowest':>8}{'highest':>9}")
    for figure in dict.fromkeys(row["figure"] for row in rows):
        held = np.array([row["held"] for row in rows if row["figure"] == figure])
        print(f"{figure:16}{len(held):6d}{100 * held.mean():8.1f}{100 * held.min():8.1f}{100 * held.max():9.1f}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=30)
    parser.add_argument("--simulations", type=int, default=4000)
    parser.add_argument("--seeds", default="2,4,8")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    single = show_single(options.problems)
    rows = show_repeated(options.problems, [int(each) for each in options.seeds.split(",")], options.simulations)
    others = show_expectations(options.problems, options.simulations // 4)
    if options.json:
        options.json.write_text(
            json.dumps({"single": single, "repeated": rows, "expectations": others}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
