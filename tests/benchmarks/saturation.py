"""How often the 95 % interval of a curve's slope holds the true slope, and what is said of curves that are flat.

    python tests/benchmarks/saturation.py [--trials 2000] [--json FILE]

Problems are drawn from a population of which a share `p` is right at budget 16 and a share `change` turns right, and
half as many wrong, up to 32 and again up to 64. The plain percentile bootstrap stands beside ours.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from harness.saturation import NUM_RESAMPLES, saturation

BUDGETS = [16, 32, 64]
_ROUNDING = 1e-9


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = [
        measure(problems, share, change, arguments.trials)
        for problems in (10, 30, 100, 500)
        for share in (0.1, 0.5, 0.9)
        for change in (0.0, 0.02, 0.05, 0.15)
    ]
    print(
        "problems  p     change  true slope  ours holds  plain holds  ours width  plain width  said flat  said rising"
    )
    for row in rows:
        print(
            f"{row['problems']:8}  {row['share']:.1f}  {row['change']:6.2f}  {row['slope']:+10.2f}  "
            f"{row['ours']:9.1%}  {row['plain']:11.1%}  {row['ours_width']:10.1f}  {row['plain_width']:11.1f}  "
            f"{row['flat']:9.1%}  {row['rising']:11.1%}"
        )
    for name in ("ours", "plain"):
        covered = [row[name] for row in rows]
        print(f"{name}: {min(covered):.1%} to {max(covered):.1%} over {len(rows)} settings")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


def measure(problems: int, share: float, change: float, trials: int) -> dict[str, float]:
    """Coverage and verdicts at one setting."""
    rng = np.random.default_rng(problems + int(1000 * share) + int(1e6 * change))
    gain, loss = min(1.0, change / (1 - share)), min(1.0, change / 2 / share)
    truth = _true_slope(share, gain, loss)
    held, plain_held, widths, plain_widths, said = 0, 0, [], [], {"flat": 0, "still rising": 0}
    for trial in range(trials):
        right = _draw(rng, problems, share, gain, loss)
        found = saturation(right, BUDGETS, BUDGETS, f"{trial}")
        assert found is not None
        held += found.slope.low - _ROUNDING <= truth <= found.slope.high + _ROUNDING
        widths.append(found.slope.high - found.slope.low)
        said[found.verdict] = said.get(found.verdict, 0) + 1
        low, high = _plain(rng, right)
        plain_held += low - _ROUNDING <= truth <= high + _ROUNDING
        plain_widths.append(high - low)
    return {
        "problems": problems, "share": share, "change": change, "slope": truth, "ours": held / trials,
        "plain": plain_held / trials, "ours_width": float(np.mean(widths)), "plain_width": float(np.mean(plain_widths)),
        "flat": said["flat"] / trials, "rising": said["still rising"] / trials,
    }  # fmt: skip


def _draw(rng: np.random.Generator, problems: int, share: float, gain: float, loss: float) -> np.ndarray:
    columns = [rng.random(problems) < share]
    for _ in BUDGETS[1:]:
        draw = rng.random(problems)
        columns.append(np.where(columns[-1], draw >= loss, draw < gain))
    return np.array(columns, dtype=float).T


def _true_slope(share: float, gain: float, loss: float) -> float:
    shares = [share]
    for _ in BUDGETS[1:]:
        shares.append(shares[-1] * (1 - loss) + (1 - shares[-1]) * gain)
    return 100 * float(np.polyfit(np.log2(BUDGETS), shares, 1)[0])


def _plain(rng: np.random.Generator, right: np.ndarray) -> tuple[float, float]:
    """The percentile bootstrap of the problems alone."""
    slopes, counts = np.unique(100 * (right[:, 2] - right[:, 0]) / 2, return_counts=True)
    means = rng.multinomial(len(right), counts / len(right), NUM_RESAMPLES) @ slopes / len(right)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
