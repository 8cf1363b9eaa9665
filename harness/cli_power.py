"""`rstar power`: what a comparison can see, before it is paid for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.power import Comparison
from harness.power_table import Question, for_json, power_lines
from tasks.types import InputError

_SEEDS = "1,2,4,8,16,32,64"
_MOST_SEEDS, _MOST_PROBLEMS = 1024, 1_000_000


def power(
    task: Annotated[str | None, typer.Option(help="A task of 'rstar tasks', for its number of problems.")] = None,
    gap: Annotated[
        float | None, typer.Option(help="Gap to see, in percentage points.", show_default="the smallest that can be")
    ] = None,
    problems: Annotated[int | None, typer.Option(help="Number of problems, in place of the task's.")] = None,
    seeds: Annotated[str, typer.Option(help="Runs of each problem, e.g. 4 or 1,4,16.")] = _SEEDS,
    run: Annotated[
        str | None, typer.Option(help="Take accuracy, correlation and problems from this run (folder or id).")
    ] = None,
    accuracy: Annotated[float | None, typer.Option(help="Of the worse system, in per cent.", show_default="50")] = None,
    repeat_correlation: Annotated[
        float | None,
        typer.Option(help="Between two runs of one system on a problem, 0 to 1.", show_default="0.6, or the run's"),
    ] = None,
    correlation: Annotated[
        float | None,
        typer.Option(help="Between the two systems on a problem, 0 to 1.", show_default="5/6 of the one before"),
    ] = None,
    chance: Annotated[float, typer.Option(help="Chance with which the gap is to be found, in per cent.")] = 80.0,
    false_alarms: Annotated[float, typer.Option(help="Level of the two-sided test, in per cent.")] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; shares are 0 to 1.")] = False,
    out: Annotated[Path | None, typer.Option(help="Results folder.", show_default="results")] = None,
) -> None:
    """Say which gap between two systems a number of problems and seeds can show, or what a gap needs.

    For the paired comparison of 'rstar compare' (McNemar's exact test for one seed, Student's t by problem for more)
    and for an unpaired one. Give --task, --problems or --run.
    """
    found = _Measured() if run is None else _measured(run, out)
    repeat = found.repeat_correlation if repeat_correlation is None else repeat_correlation
    plan = _comparison(
        found.accuracy if accuracy is None else _share("--accuracy", accuracy),
        0.6 if repeat is None else repeat,
        correlation,
        _share("--false-alarms", false_alarms),
    )
    subject, num_problems = _problems(task, problems, found)
    question = Question(
        subject,
        num_problems,
        _numbers(seeds),
        None if gap is None else _share("--gap", gap),
        _share("--chance", chance),
        plan,
        _source(found, accuracy, repeat_correlation, correlation),
    )
    if as_json:
        typer.echo(json.dumps(for_json(question), indent=2))
    else:
        typer.echo("\n".join(power_lines(question)))


class _Measured:
    """What a run says about the worse system; nothing without one."""

    def __init__(self) -> None:
        self.name, self.accuracy, self.num_problems = "", 0.5, 0
        self.repeat_correlation: float | None = None


def _measured(name: str, out: Path | None) -> _Measured:
    from harness.cli_run import RESULTS
    from harness.metrics import agreement
    from harness.run_folder import find_run
    from harness.run_summary import summarize

    summary = summarize(find_run(name, out or RESULTS))
    spec, found = summary.record.spec, _Measured()
    if not summary.is_complete:
        raise InputError(f"--run {name}: is not complete, so its accuracy is none yet; finish it with 'rstar resume'")
    right = list(summary.right_by_problem(spec.rule, spec.budgets[-1]).values())
    found.name, found.num_problems = summary.record.id, len(right)
    # A run with all or none right leaves no room for a comparison; half a problem does (Agresti and Coull's idea).
    runs = len(right) * len(spec.seeds)
    found.accuracy = min(max(sum(right) / runs, 0.5 / runs), 1 - 0.5 / runs)
    if len(spec.seeds) > 1:
        found.repeat_correlation = agreement(right, len(spec.seeds)).correlation
    return found


def _comparison(accuracy: float, repeat: float, correlation: float | None, level: float) -> Comparison:
    for flag, value in (("--repeat-correlation", repeat), ("--correlation", correlation)):
        if value is not None and not 0 <= value <= 1:
            raise InputError(f"{flag} {value:g}: is not between 0 and 1")
    if correlation is not None and correlation > repeat:
        raise InputError(
            f"--correlation {correlation:g}: two systems cannot agree more than one agrees with itself "
            f"({repeat:g}); lower it, or raise --repeat-correlation"
        )
    between = repeat * 5 / 6 if correlation is None else correlation
    return Comparison(accuracy=accuracy, repeat_correlation=repeat, correlation=between, level=level)


def _problems(task: str | None, problems: int | None, found: _Measured) -> tuple[str, int]:
    """(what the question is about, number of problems)."""
    if problems is not None:
        if not 1 <= problems <= _MOST_PROBLEMS:
            raise InputError(f"--problems {problems}: is not between 1 and {_MOST_PROBLEMS:,}")
        return task or found.name or "A task", problems
    if task is not None:
        return task, _num_problems(task)
    if found.num_problems:
        return found.name, found.num_problems
    raise InputError("the number of problems is not known; give --task, --problems or --run")


def _num_problems(task: str) -> int:
    """Without reading or fetching data where the catalog knows the number."""
    from tasks.catalog import BENCHMARKS, GENERATED, load_task

    if task in GENERATED:
        return GENERATED[task][1]
    if task in BENCHMARKS and not BENCHMARKS[task].drops_rows:
        return BENCHMARKS[task].num_problems
    return len(load_task(task).problems)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or not all(1 <= number <= _MOST_SEEDS for number in numbers):
        raise InputError(f"--seeds {text}: is no list of whole numbers from 1 to {_MOST_SEEDS:,}; write e.g. 1,4,16")
    return tuple(sorted(set(numbers)))


def _share(flag: str, percent: float) -> float:
    if not 0 < percent < 100:
        raise InputError(f"{flag} {percent:g}: is not between 0 and 100 (per cent)")
    if percent < 1 and flag in ("--accuracy", "--chance"):
        raise InputError(f"{flag} {percent:g}: is in per cent; write {100 * percent:g} for a share of {percent:g}")
    return percent / 100


def _source(found: _Measured, accuracy: float | None, repeat: float | None, correlation: float | None) -> str:
    """Where each of the three assumptions comes from, in the order in which they are printed."""
    run = f"from {found.name}"
    assumed = "chosen, not measured"
    sources = [
        "given" if accuracy is not None else run if found.name else assumed,
        "given" if repeat is not None else run if found.repeat_correlation is not None else assumed,
        "given" if correlation is not None else assumed,
    ]
    if len(set(sources)) == 1:
        return f"all {sources[0]}" + ("; see --run" if sources[0] == assumed else "")
    return f"in this order: {'; '.join(sources)}"
