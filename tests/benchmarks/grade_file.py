"""How long `rstar grade` takes for a file of MATH-size answers, interpreter start and imports included.

The references are those of the MATH test file where it is at hand, else of built-in kinds. Of the predictions, three
fifths are the reference rewritten, two fifths are another problem's reference. Beside it, in the same run: the way a
user would take otherwise, a loop over Math-Verify in one process, timed on the first rows of the same file.

    python tests/benchmarks/grade_file.py --rows 5000 --workers 2
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MATH = ROOT.parent / "shared" / "data" / "benchmarks" / "MATH_test.json"
FILLER = "We write the condition as an equation, collect the terms and look at what is left on either side. "
REPLY_CHARS = 1200
"""Length of one reply: about 350 tokens, a short chain of thought. Chosen, not measured."""
REWRITES = (("\\frac", "\\dfrac"), ("\\left(", "("), ("\\right)", ")"), ("+", " + "), ("\\sqrt", "\\sqrt "))


def references(path: Path) -> list[str]:
    """The answers of the MATH test file, or a list of the same kinds where it is missing."""
    if path.is_file():
        answers = [str(row["answer"]) for row in json.loads(path.read_text(encoding="utf-8"))]
        # A few rows hold a list of acceptable answers, written as a Python list in the text.
        return [answer for answer in answers if not answer.startswith("['")]
    draw = random.Random(0)
    kinds = ("{a}", "\\frac{{{a}}}{{{b}}}", "{a}\\sqrt{{{b}}}", "({a},{b})", "x^2+{a}x-{b}", "[-{a},{b})", "{a}\\pi")
    return [draw.choice(kinds).format(a=draw.randint(2, 99), b=draw.randint(2, 99)) for _ in range(5000)]


def write_replies(path: Path, answers: list[str], num_rows: int) -> None:
    """Write `num_rows` replies to the references in turn, three fifths of them right."""
    draw = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for index in range(num_rows):
            reference = answers[index % len(answers)]
            predicted = reference if index % 5 < 3 else draw.choice(answers)
            for old, new in REWRITES:
                predicted = predicted.replace(old, new)
            reply = FILLER * (REPLY_CHARS // len(FILLER)) + f"The answer is $\\boxed{{{predicted}}}$."
            file.write(json.dumps({"id": f"row-{index}", "reference": reference, "reply": reply}) + "\n")


def time_command(file: Path, workers: int, repeats: int) -> tuple[list[float], dict[str, Any]]:
    """Wall seconds of each run of the whole command, and the last run's summary."""
    command = [str(Path(sys.executable).with_name("rstar")), "grade", str(file), "--workers", str(workers), "--json"]
    seconds: list[float] = []
    summary: dict[str, Any] = {}
    for _ in range(repeats):
        begin = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds.append(time.perf_counter() - begin)
        summary = json.loads(done.stdout)
    return seconds, summary


def time_math_verify(file: Path, num_rows: int) -> float | None:
    """Wall seconds per row of Math-Verify in this process, import not included; None where it is not installed."""
    try:
        from math_verify import parse, verify
    except ImportError:
        return None
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()[:num_rows]]
    parse("\\boxed{1}")
    begin = time.perf_counter()
    for row in rows:
        verify(parse(f"\\boxed{{{row['reference']}}}"), parse(row["reply"]))
    return (time.perf_counter() - begin) / len(rows)


def main() -> None:
    """Make the file, time both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--math-verify-rows", type=int, default=300)
    parser.add_argument("--references", type=Path, default=MATH)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "replies.jsonl"
        write_replies(file, references(options.references), options.rows)
        seconds, summary = time_command(file, options.workers, options.repeats)
        theirs = time_math_verify(file, options.math_verify_rows)
    median = statistics.median(seconds)
    figures = {
        "rows": options.rows,
        "workers": options.workers,
        "cores": os.cpu_count(),
        "references": "MATH test" if options.references.is_file() else "built-in",
        "seconds": [round(one, 2) for one in seconds],
        "median_seconds": round(median, 2),
        "verdicts": summary["graders"]["strict"],
        "math_verify_ms_per_row": theirs and round(1000 * theirs, 2),
        "times_faster_than_math_verify": theirs and round(theirs * options.rows / median, 1),
    }
    for name, value in figures.items():
        print(f"{name:32}{value}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
