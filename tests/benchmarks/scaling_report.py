"""Time of `rstar report` over several large runs, by part.

    python tests/benchmarks/scaling_report.py [--runs 5] [--problems 500] [--json FILE]

Runs are invented (tests/harness/made_runs.py): 64 trajectories a problem, 7 budgets. The alternative in the same
process is
what a user would write: `pandas.read_json` of the same files, which reads them and computes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))

from made_runs import Invented, make_run

from harness.run_folder import RECORDS
from harness.run_summary import summarize
from harness.scaling import ScalingOptions, scaling
from harness.scaling_page import page
from harness.scaling_plot import save_chart
from harness.scaling_table import scaling_lines

PRESETS = ("tiny", "self-consistency", "best-of-n", "dvts", "weighted-best-of-n", "paper-eval", "official-beam")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, choices=range(2, len(PRESETS) + 1))
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = [
            make_run(folder, arguments.problems, Invented(cost=1 + place), task="math500", preset=preset)
            for place, preset in enumerate(PRESETS[: arguments.runs])
        ]
        seconds = measure(runs, folder)
    for part, value in seconds.items():
        print(f"{part:32}  {value:6.2f} s")
    print(f"{'rstar report':32}  {sum(seconds.values()) - seconds[PANDAS]:6.2f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(seconds, indent=2) + "\n")


PANDAS = "pandas.read_json of the records"


def measure(runs: list[Path], folder: Path) -> dict[str, float]:
    """Seconds of CPU time by part, so that a busy machine counts less."""
    import matplotlib.figure  # noqa: F401 - imports are not what is measured
    import pandas as pd
    import plotly.offline  # noqa: F401

    found: dict[str, float] = {}

    def timed(part: str, work: Callable[[], Any]) -> Any:
        begin = time.process_time()
        result = work()
        found[part] = time.process_time() - begin
        return result

    timed(PANDAS, lambda: [pd.read_json(run / RECORDS, lines=True) for run in runs])
    summaries = timed("read and check the records", lambda: [summarize(run) for run in runs])
    report = timed("curves, saturation, frontier", lambda: scaling(summaries, ScalingOptions("tokens")))
    timed("tables", lambda: "\n".join(scaling_lines(report, is_markdown=True)))
    timed("PNG and SVG", lambda: save_chart(report, [folder / "a.png", folder / "a.svg"]))
    timed("HTML", lambda: page(report))
    return found


if __name__ == "__main__":
    main()
