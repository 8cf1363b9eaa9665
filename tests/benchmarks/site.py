"""Building a site of many synthetic runs: processor time, wall time, memory, and the size of the first page.

    python tests/benchmarks/site.py --runs 200 --problems 5000 --budgets 1

Records are invented once and stand in every run, each of which has a temperature of its own. The machine's other work
lengthens wall time and not processor time, so both are printed; with --open the first page is opened in Chromium too.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "harness"), str(Path(__file__).parents[1] / "browser")]

from made_runs import Invented, make_run  # noqa: E402

from harness.run_folder import RECORDS  # noqa: E402
from leaderboard.build import build  # noqa: E402
from leaderboard.site_options import SiteOptions  # noqa: E402

FIRST_PAGE = ("index.html", "assets/site.css", "assets/theme.js", "assets/overview.css", "assets/overview.js",
              "assets/list/list.min.js")  # fmt: skip


def make_results(folder: Path, num_runs: int, num_problems: int, budgets: list[int]) -> int:
    """Runs of one task that differ in temperature; the bytes of their records."""
    kinds = [
        make_run(folder / f"kind{place}", num_problems, Invented(skill=0.3 + 0.1 * place), budgets=budgets)
        for place in range(4)
    ]
    total = 0
    for number in range(num_runs):
        run = make_run(
            folder / "results", num_problems, Invented(num_recorded=0), budgets=budgets,
            search={"temperature": round(0.5 + number / 1000, 3)},
        )  # fmt: skip
        content = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps(content | {"status": "complete"}))
        source = kinds[number % len(kinds)] / RECORDS
        shutil.copyfile(source, run / RECORDS)
        total += source.stat().st_size
    return total


def measure(results: Path, out: Path, workers: int | None) -> dict[str, Any]:
    """Build once; times in seconds, memory in MiB."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    begin = time.monotonic()
    built = build(results, out, SiteOptions(workers=workers))
    wall = time.monotonic() - begin
    after = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = [b.ru_utime + b.ru_stime - a.ru_utime - a.ru_stime for a, b in zip(used, after, strict=True)]
    return {
        "runs": built.num_runs,
        "left_out": len(built.left_out),
        "wall_seconds": round(wall, 1),
        "cpu_seconds_parent": round(cpu[0], 1),
        "cpu_seconds_children": round(cpu[1], 1),
        "peak_mib_parent": after[0].ru_maxrss >> 10,
        "peak_mib_largest_child": after[1].ru_maxrss >> 10,
        "first_page_bytes": sum((out / name).stat().st_size for name in FIRST_PAGE),
        "site_mib": round(sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / (1 << 20), 1),
        "files": built.num_files,
    }


def opened(out: Path) -> dict[str, float]:
    """Seconds from the request of the first page until a filter answers, in headless Chromium: the best of three."""
    from conftest import _FLAGS, chromium
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
        for _ in range(3):
            page = browser.new_context().new_page()
            begin = time.monotonic()
            page.goto(f"file://{out.resolve()}/index.html")
            page.wait_for_function("document.getElementById('count').textContent.includes('rows')")
            seconds = time.monotonic() - begin
            inside = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd / 1000")
            found.append({"interactive_seconds": round(seconds, 2), "load_event_seconds": round(inside, 2)})
        browser.close()
    return min(found, key=lambda each: each["interactive_seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--budgets", default="1", help="trajectories, e.g. 1,2,4")
    parser.add_argument("--workers", type=int, default=None, help="processes; default: one per core")
    parser.add_argument("--open", action="store_true", help="also open the first page in Chromium")
    parser.add_argument("--json", type=Path, default=None, help="write the figures here")
    parser.add_argument("--keep", type=Path, default=None, help="leave the site here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        budgets = [int(each) for each in given.budgets.split(",")]
        size = make_results(folder, given.runs, given.problems, budgets)
        out = given.keep or folder / "site"
        figures = {"records_mib": round(size / (1 << 20), 1)} | measure(folder / "results", out, given.workers)
        records = given.runs * given.problems
        figures["cpu_us_per_record"] = round(
            1e6 * (figures["cpu_seconds_parent"] + figures["cpu_seconds_children"]) / records, 1
        )
        if given.open:
            figures |= opened(out)
    for key, value in figures.items():
        print(f"{key:<24} {value:>12,}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
