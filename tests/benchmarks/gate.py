"""How often `rstar gate` is wrong, and how often it sees what is there, by simulation.

    python tests/benchmarks/gate.py --markdown

Problems have difficulties (a normal law of log-odds), runs of one problem differ by chance (between-seed noise), and
the candidate either drifts (every problem a little harder, each by another amount) or breaks (some problems are lost
wholly, the others are untouched). `noisy`: most problems are right sometimes; `steady`: most are right always or never.
The true loss is set to 0, 2 (the tolerance), 5 and 10 points in the mean over all problems that there could be.

The decision is the product's own (`harness.gate.outcome_of`), with fewer resamples. Rates are in %; with 1,000 rounds
their standard error is 0.5 at 2.5 % and 1.6 at 50 %.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import paired_intervals
from harness.gate import OUTCOMES, outcome_of
from harness.grade_summary import aligned
from harness.paired import PairedDifference
from rstar.seeds import derive

SPREADS = {"noisy": 1.5, "steady": 6.0}
"""Standard deviation of the problems' log-odds. Chosen: with 1.5 about one pair of single runs in three differs, as for
small models that sample; with 6 one in eight."""
MEAN_LOG_ODDS = 0.5
DRIFT_NOISE = 0.5
"""Standard deviation, over problems, of what a drift does to the log-odds."""
LOSSES = (0.0, 0.02, 0.05, 0.10)
SIZES = (30, 100, 500)
SITUATIONS = (*((size, 1) for size in SIZES), *((size, 4) for size in SIZES), (30, 16))
"""(problems, seeds); 30 x 16 is AIME as it is usually run."""
_CALIBRATION = 400_000
"""Problems from which the drift for a wanted loss is found."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One situation."""

    noise: str
    change: str
    num_problems: int
    num_seeds: int
    loss: float


def simulate(cell: Cell, tolerance: float, rounds: int, resamples: int) -> dict[str, float]:
    """The share of each outcome over `rounds` fresh benchmarks."""
    paired_intervals.NUM_RESAMPLES = resamples
    rng = np.random.default_rng([derive(0, *map(str, asdict(cell).values())), rounds])
    shift, broken = _strength(cell)
    found: Counter[str] = Counter()
    for _ in range(rounds):
        log_odds = rng.normal(MEAN_LOG_ODDS, SPREADS[cell.noise], cell.num_problems)
        ours = _probability(log_odds)
        if cell.change == "drift":
            noise = DRIFT_NOISE if cell.loss else 0.0
            theirs = _probability(log_odds - shift + rng.normal(0, 1, cell.num_problems) * noise)
        else:
            theirs = np.where(rng.random(cell.num_problems) < broken, 0.0, ours)
        a, b = (rng.binomial(cell.num_seeds, each) / cell.num_seeds for each in (ours, theirs))
        difference = PairedDifference(tuple((b - a).tolist()), cell.num_seeds == 1, 1.0, "", "")
        found[outcome_of(difference, tolerance)] += 1
    return {outcome: found[outcome] / rounds for outcome in OUTCOMES}


def _strength(cell: Cell) -> tuple[float, float]:
    """The drift of the log-odds, or the share of broken problems, that costs the cell's loss in the mean."""
    rng = np.random.default_rng(7)
    log_odds = rng.normal(MEAN_LOG_ODDS, SPREADS[cell.noise], _CALIBRATION)
    before = float(_probability(log_odds).mean())
    if cell.change == "break" or not cell.loss:
        return 0.0, cell.loss / before
    noise = DRIFT_NOISE * rng.normal(size=_CALIBRATION)
    low, high = -2.0, 20.0
    for _ in range(40):
        middle = (low + high) / 2
        lost = before - float(_probability(log_odds - middle + noise).mean())
        low, high = (middle, high) if lost < cell.loss else (low, middle)
    return low, 0.0


def _probability(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-log_odds))


def rows(results: dict[Cell, dict[str, float]], tolerance: float) -> list[list[str]]:
    """A row for each kind, number of seeds and number of problems: rates in %."""
    losses = sorted({cell.loss for cell in results})
    kinds = list(dict.fromkeys((c.noise, c.change, c.num_seeds, c.num_problems) for c in results))
    titles = [title for loss in losses for title in _titles(loss, tolerance)]
    table = [["runs", "change", "seeds", "problems", *titles]]
    for noise, change, seeds, size in kinds:
        cells = [
            rate for loss in losses for rate in _rates(results[Cell(noise, change, size, seeds, loss)], loss, tolerance)
        ]
        table.append([noise, change, str(seeds), str(size), *cells])
    return table


def _titles(loss: float, tolerance: float) -> list[str]:
    name = f"loss {100 * loss:g}" if loss else "no loss"
    return [f"{name}: worse", f"{name}: pass"] if loss <= tolerance else [f"{name}: worse"]


def _rates(rates: dict[str, float], loss: float, tolerance: float) -> list[str]:
    worse, passed = f"{100 * rates['worse']:.1f}", f"{100 * (rates['same'] + rates['better']):.1f}"
    return [worse, passed] if loss <= tolerance else [worse]


def errors(results: dict[Cell, dict[str, float]], tolerance: float) -> dict[str, list[float]]:
    """The rate of each error in every situation in which it is one and is likeliest, 0 to 1."""
    no_loss = [rates for cell, rates in results.items() if cell.loss == 0]
    at_tolerance = [rates for cell, rates in results.items() if cell.loss == tolerance]
    return {
        "false alarm (worse) without a loss": [rates["worse"] for rates in no_loss],
        "false alarm (worse) at a loss of the tolerance": [rates["worse"] for rates in at_tolerance],
        "false pass (same or better) at a loss of the tolerance": [r["same"] + r["better"] for r in at_tolerance],
        "false better without a loss": [rates["better"] for rates in no_loss],
    }


def _one(task: tuple[Cell, float, int, int]) -> dict[str, float]:
    return simulate(*task)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tolerance", type=float, default=2.0, help="points")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=1000, help="of each bootstrap; the product takes 10,000")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--noise", choices=SPREADS, action="append", help="default: both")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    tolerance = asked.tolerance / 100
    cells = [
        Cell(noise, change, size, seeds, loss)
        for noise in asked.noise or SPREADS
        for change in ("drift", "break")
        for size, seeds in SITUATIONS
        for loss in LOSSES
    ]
    with ProcessPoolExecutor(asked.workers) as pool:
        tasks = [(cell, tolerance, asked.rounds, asked.resamples) for cell in cells]
        results = {}
        for cell, rates in zip(cells, pool.map(_one, tasks, chunksize=1), strict=True):
            results[cell] = rates
            print(cell, rates, file=sys.stderr, flush=True)
    show(results, tolerance, asked)


def show(results: dict[Cell, dict[str, float]], tolerance: float, asked: Any) -> None:
    """Print the table and the worst rates, and write them."""
    from harness.report import markdown_table

    table = rows(results, tolerance)
    summary = [["error, over all situations, %", "mean", "highest"]] + [
        [name, f"{100 * sum(found) / len(found):.1f}", f"{100 * max(found):.1f}"]
        for name, found in errors(results, tolerance).items()
    ]
    print(f"{asked.rounds:,} rounds a situation, {asked.resamples:,} resamples")
    for each, num_left in ((summary, 1), (table, 2)):
        print()
        print("\n".join(markdown_table(each, num_left) if asked.markdown else aligned(each, num_left)))
    if asked.json:
        content = [asdict(cell) | rates for cell, rates in results.items()]
        asked.json.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
