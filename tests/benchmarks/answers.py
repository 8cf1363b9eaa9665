"""Accuracy, speed and safety of our answer checker beside Math-Verify's, in one run.

    python tests/benchmarks/answers.py [--cases FILE ...] [--limit N] [--json OUT] [--checkers NAME ...]
        [--failures OUT.jsonl --show-failures NAME ...]

Every checker runs in a process of its own on one core, one after the other, over the same cases. Percentages are of
all scored cases of a file (debatable rows are left out); a crash, a hang or an exception counts as "not equal".
Seconds are wall time of one call, import excluded. Failing rows are written only for the files that --show-failures
names: the held-back rows are for scoring, not for development.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from answers_worker import CHECKERS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OWN = ROOT / "tests" / "data" / "answers"
SHARED = ROOT.parent / "shared" / "data" / "answers"
DEFAULT_FILES = {
    "shared": SHARED / "cases.jsonl",
    "dev": OWN / "dev.jsonl",
    "heldback": OWN / "heldback.jsonl",
    "adversarial": OWN / "adversarial.jsonl",
    "shared-adversarial": SHARED / "adversarial.jsonl",
}
START_SECONDS = 120.0
"""A process may take this long to import its checker: chosen, not tuned."""
HANG_SECONDS = 30.0
"""No answer for this long is a hang: twice the sum of Math-Verify's three timeouts of 5 s."""


@dataclass
class Score:
    """One checker on one file. Rates are in percent of `cases`, seconds are wall time a call."""

    file: str
    checker: str
    cases: int = 0
    right: float = 0.0
    false_accepts: float = 0.0
    false_rejects: float = 0.0
    errors: int = 0
    crashes: int = 0
    hangs: int = 0
    median_seconds: float = 0.0
    p99_seconds: float = 0.0
    max_seconds: float = 0.0
    per_second: float = 0.0
    peak_mib: float = 0.0
    files_created: list[str] = field(default_factory=list)


def read_cases(path: Path, limit: int | None) -> list[dict[str, Any]]:
    """The scored rows of a case file, in order."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [row for row in rows if not row.get("debatable", False)][:limit]


def lines_of(process: subprocess.Popen[str], into: queue.Queue[str | None]) -> None:
    """Moves the process's lines to the queue, then None."""
    assert process.stdout is not None
    for line in process.stdout:
        into.put(line)
    into.put(None)


def stop(message: str) -> NoReturn:
    """One line about what the caller must change, exit code 2."""
    print(f"answers.py: {message}", file=sys.stderr)
    sys.exit(2)


def answers_from(checker: str, cases: Path, first: int, folder: Path) -> Iterator[dict[str, Any]]:
    """The answer lines of one process; the last one says {"end": "done" | "crash" | "hang"}."""
    command = [sys.executable, str(HERE / "answers_worker.py"), checker, str(cases), str(first)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with log_path(folder).open("wb") as log, subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
    ) as process:  # fmt: skip
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=lines_of, args=(process, lines), daemon=True).start()
        patience, done = START_SECONDS, False
        while True:
            try:
                line = lines.get(timeout=patience)
            except queue.Empty:
                process.kill()
                yield {"end": "hang"}
                return
            if line is None:
                yield {"end": "done" if done else "crash"}
                return
            answer = json.loads(line)
            patience, done = HANG_SECONDS, "peak_mib" in answer
            yield answer


def log_path(folder: Path) -> Path:
    """Where a process's standard error goes: beside its working directory, not in it."""
    return folder.parent / f"{folder.name}.log"


def run_checker(checker: str, cases: Sequence[dict[str, Any]], folder: Path) -> tuple[list[dict[str, Any]], float]:
    """One answer a case, in order, and the peak memory in MiB; a new process starts behind a crash or a hang."""
    path = folder.parent / f"{folder.name}.jsonl"
    path.write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    answers: list[dict[str, Any]] = []
    peak, end = 0.0, ""
    while end != "done":
        ready = False
        for answer in answers_from(checker, path, len(answers), folder):
            ready = ready or "ready_seconds" in answer
            peak, end = max(peak, answer.get("peak_mib", 0.0)), answer.get("end", "")
            if "number" in answer:
                answers.append(answer)
        if not ready:
            log = log_path(folder).read_text(encoding="utf-8", errors="replace").strip().splitlines()
            stop(f"'{checker}' does not start: {log[-1] if log else 'it ended without a word'}")
        if end != "done" and len(answers) < len(cases):
            answers.append({"verdict": False, "seconds": HANG_SECONDS if end == "hang" else 0.0, "error": end})
        if len(answers) == len(cases):
            break
    return answers, peak


def score(file: str, checker: str, cases: Sequence[dict[str, Any]], answers: Sequence[dict[str, Any]]) -> Score:
    """Rates over all cases; rows whose `equal` is null accept either verdict."""
    accepts = sum(a["verdict"] and c["equal"] is False for c, a in zip(cases, answers, strict=True))
    rejects = sum(not a["verdict"] and c["equal"] is True for c, a in zip(cases, answers, strict=True))
    seconds = sorted(a["seconds"] for a in answers)
    count, ends = len(cases), [a["error"] for a in answers]
    return Score(
        file, checker, count,
        right=100 * (count - accepts - rejects) / count,
        false_accepts=100 * accepts / count,
        false_rejects=100 * rejects / count,
        errors=sum(end not in ("", "crash", "hang") for end in ends),
        crashes=ends.count("crash"),
        hangs=ends.count("hang"),
        median_seconds=statistics.median(seconds),
        p99_seconds=seconds[min(count - 1, int(0.99 * count))],
        max_seconds=seconds[-1],
        per_second=count / max(sum(seconds), 1e-9),
    )  # fmt: skip


def stray_files(folder: Path) -> list[str]:
    """What a checker left in its working directory, and PWNED files anywhere a planted command could put them."""
    inside = [str(path.relative_to(folder)) for path in folder.rglob("*")]
    outside = [str(path) for place in {ROOT, Path.cwd(), Path.home()} for path in place.glob("PWNED_*")]
    return sorted(inside + outside)


def print_table(scores: Sequence[Score]) -> None:
    """One row a file and checker; the last column is the throughput relative to Math-Verify's on the same file."""
    width = 1 + max(len(row.file) for row in scores)
    print(f"{'file':<{width}}{'checker':<15}{'cases':>6}{'right %':>9}{'f.acc %':>9}{'f.rej %':>9}{'errors':>8}"
          f"{'crash':>7}{'hang':>6}{'median ms':>11}{'p99 ms':>9}{'max s':>8}{'per s':>9}{'ratio':>7}"
          f"{'MiB':>7}  files")  # fmt: skip
    pace = {row.file: row.per_second for row in scores if row.checker == "Math-Verify"}
    for row in scores:
        ratio = f"{row.per_second / pace[row.file]:.1f}" if row.file in pace else "-"
        print(f"{row.file:<{width}}{row.checker:<15}{row.cases:>6}{row.right:>9.2f}{row.false_accepts:>9.2f}"
              f"{row.false_rejects:>9.2f}{row.errors:>8}{row.crashes:>7}{row.hangs:>6}{1e3 * row.median_seconds:>11.2f}"
              f"{1e3 * row.p99_seconds:>9.1f}{row.max_seconds:>8.2f}{row.per_second:>9.0f}{ratio:>7}"
              f"{row.peak_mib:>7.0f}  {' '.join(row.files_created) or 'none'}")  # fmt: skip


def chosen_files(given: Sequence[Path]) -> dict[str, Path]:
    """The case files by label; without --cases those of the repository and, where present, the shared ones."""
    stems = [path.stem for path in given]
    files = {stem if stems.count(stem) == 1 else str(path): path for stem, path in zip(stems, given, strict=True)}
    files = files or DEFAULT_FILES
    for path in given:
        if not path.is_file():
            stop(f"no case file {path}; give an existing JSONL file with --cases")
    absent = [str(path) for path in files.values() if not path.is_file()]
    if absent:
        print(f"left out, not on this machine: {', '.join(absent)}")
    return {label: path for label, path in files.items() if path.is_file()}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", type=Path, default=[], metavar="FILE", help="case files (JSONL)")
    parser.add_argument("--limit", type=int, help="only the first N scored cases of each file")
    parser.add_argument("--checkers", nargs="+", choices=list(CHECKERS), default=list(CHECKERS))
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the table's figures as JSON")
    parser.add_argument("--failures", type=Path, metavar="OUT", help="write failing rows (needs --show-failures)")
    parser.add_argument("--show-failures", nargs="+", default=[], metavar="NAME", help="files whose failures may show")
    chosen = parser.parse_args()
    if (chosen.failures is None) != (not chosen.show_failures):
        parser.error("--failures and --show-failures go together")
    return chosen


def main() -> None:
    options = arguments()
    scores: list[Score] = []
    failures: list[dict[str, Any]] = []
    for label, path in chosen_files(options.cases).items():
        cases = read_cases(path, options.limit)
        for checker in options.checkers:
            with tempfile.TemporaryDirectory() as outer:
                folder = Path(outer) / "work"
                folder.mkdir()
                answers, peak = run_checker(checker, cases, folder)
                row = score(label, checker, cases, answers)
                row.peak_mib, row.files_created = peak, stray_files(folder)
            scores.append(row)
            if label in options.show_failures:
                failures += [{"file": label, "checker": checker, **case, **answer}
                             for case, answer in zip(cases, answers, strict=True)
                             if case["equal"] is not None and answer["verdict"] != case["equal"]]  # fmt: skip
    print_table(scores)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in scores], indent=1) + "\n", encoding="utf-8")
    if options.failures:
        options.failures.write_text("".join(json.dumps(row) + "\n" for row in failures), encoding="utf-8")


if __name__ == "__main__":
    main()
