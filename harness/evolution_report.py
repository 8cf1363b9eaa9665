"""The report of an evolution, `report.md` and `report.json`: its tables beside the paper's, MATH column.

Table 2: coverage of the searched problems. Table 3: policies alone. Table 4: PPMs with the first policy. Table 6: each
round's policy with its PPM. Table 7: other SFT data. Table 8: other reward models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.atomic_file import atomic_text
from harness.evolution_runs import Evaluations, Kind
from harness.metrics import Estimate
from harness.published import cited
from harness.run_summary import summarize
from rstar.evolution.manifest import stages_in
from rstar.evolution.settings import EvolutionSettings

if TYPE_CHECKING:
    from harness.evolution import Gate

PAPER_TASK = "math500"
PAPER_COVERAGE = (60.17, 66.60, 77.86, 90.25)
"""Paper, Table 2: share of the 747k problems solved after each round, in per cent."""
PAPER_TABLE_7 = {"greedy": "step-by-step", "sft-random": "random", "sft-rejection": "rejection"}
PAPER_TABLE_8 = {"system2": "+ PPM", "pqm": "+ PQM", "best-of-n": "+ ORM"}
"""What the system's name in the paper's table holds, by the kind of our run."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: what was measured here, and the paper's figure for the like."""

    table: int
    label: str
    measured: Estimate | None
    """Share of right answers, or of solved problems; None where it was not measured."""
    paper: float | None
    """In per cent; None where the paper has none."""
    detail: str = ""


def write_report(out: Path, settings: EvolutionSettings, evaluations: Evaluations, gates: Sequence[Gate]) -> None:
    """Write both files in `out` from what is done so far."""
    lines = report_lines(out, settings, evaluations)
    content = {
        "settings_sha256": settings.sha256,
        "task": settings.evaluation.task,
        "budget": settings.evaluation.budget,
        "lines": [asdict(each) for each in lines],
        "gates": [asdict(each) for each in gates],
        "runs": {f"{name} {kind}": str(path.relative_to(out)) for (name, kind), path in evaluations.runs.items()},
    }
    with atomic_text(out / "report.json") as file:
        file.write(json.dumps(content, indent=2) + "\n")
    with atomic_text(out / "report.md") as file:
        file.write(markdown(lines, settings, gates))


def report_lines(out: Path, settings: EvolutionSettings, evaluations: Evaluations) -> list[Line]:
    """The rows of all tables, as far as they are measured."""
    numbers = [str(number) for number in range(1, len(settings.rounds) + 1)]
    lines = _coverage(stages_in(out), numbers)
    runs = evaluations.runs
    lines += [_base(runs), *(_line(3, f"policy-{n}", runs, n, "greedy", _paper(3, f"r{n}")) for n in numbers)]
    lines += [_line(4, f"policy-1 + ppm-{n}", runs, n, "fixed", _paper(4, f"PPM-r{n}")) for n in numbers]
    lines += [_line(6, f"policy-{n} + ppm-{n}", runs, n, "system2", _paper(6, f"round {n}")) for n in numbers]
    if settings.ablations:
        last = numbers[-1]
        places: list[tuple[Kind, str, str]] = [
            ("greedy", last, "two of highest Q"),
            ("sft-random", "last", "two by lot"),
            ("sft-rejection", "last", "two that the ORM ranks first"),
        ]
        lines += [_line(7, label, runs, name, kind, _paper(7, PAPER_TABLE_7[kind])) for kind, name, label in places]
        models: list[tuple[Kind, str, str]] = [
            ("best-of-n", "last", "ORM, best of N"),
            ("pqm", "last", "PQM, tree search"),
            ("system2", last, "PPM, tree search"),
        ]
        lines += [_line(8, label, runs, name, kind, _paper(8, PAPER_TABLE_8[kind])) for kind, name, label in models]
    return [line for line in lines if line.measured is not None]


def markdown(lines: Sequence[Line], settings: EvolutionSettings, gates: Sequence[Gate]) -> str:
    """The tables as Markdown."""
    chosen = settings.evaluation
    titles = {
        2: "Coverage: problems of the round's pool with a right solution (paper, Table 2, all levels)",
        3: "The policy alone, greedy (paper, Table 3)",
        4: f"The PPM, with policy-1 throughout, budget {chosen.budget} (paper, Table 4)",
        6: f"Policy and PPM of the same round, budget {chosen.budget} (paper, Table 6)",
        7: "Other choices of SFT data, greedy (paper, Table 7)",
        8: f"Other reward models, budget {chosen.budget} (paper, Table 8)",
    }
    text = [
        f"# Evolution {settings.name}, seed {settings.seed}",
        "",
        (
            f"Measured on {chosen.task}, {_problems(chosen.limit)} for policies alone and "
            f"{_problems(chosen.guided_limit or chosen.limit)} for searches, with 95 % intervals."
        ),
        "The paper's column is its 7B models on MATH-500: other models, other problems, there for the shape.",
    ]
    for table, title in titles.items():
        rows = [line for line in lines if line.table == table]
        if rows:
            text += ["", f"## {title}", "", "| | here, % | paper, % | |", "|---|---|---|---|"]
            text += [f"| {row.label} | {_shown(row.measured)} | {_number(row.paper)} | {row.detail} |" for row in rows]
    if gates:
        text += [
            "",
            "## Gates",
            "",
            *(f"- {each.line}{' **worse: stopped**' if each.is_worse else ''}" for each in gates),
        ]
    return "\n".join(text) + "\n"


def _coverage(stages: Mapping[str, Mapping[str, Any]], numbers: Sequence[str]) -> list[Line]:
    from harness.metrics import accuracy

    lines = []
    for index, number in enumerate(numbers):
        found = stages.get(f"search-{number}", {}).get("coverage")
        if not found:
            continue
        solved, total = found["num_solved"], found["num_problems"]
        estimate = accuracy([1] * solved + [0] * (total - solved), 1)
        levels = ", ".join(
            f"{name}: {100 * group['solved'] / group['total']:.0f}" for name, group in found["by_level"].items()
        )
        paper = PAPER_COVERAGE[index] if index < len(PAPER_COVERAGE) else None
        lines.append(Line(2, f"round {number}", estimate, paper, f"by level {levels}"))
    return lines


def _base(runs: Mapping[tuple[str, Kind], Path]) -> Line:
    return Line(3, "base", _estimate(runs.get(("base", "greedy"))), 58.8, "")  # paper, Table 6: base


def _line(
    table: int, label: str, runs: Mapping[tuple[str, Kind], Path], name: str, kind: Kind, paper: float | None
) -> Line:
    folder = runs.get((name, kind))
    detail = "" if folder is None or kind in ("greedy", "sft-random", "sft-rejection") else _curve(folder)
    return Line(table, label, _estimate(folder), paper, detail)


def _estimate(folder: Path | None) -> Estimate | None:
    """The headline figure of a run, at its whole budget."""
    if folder is None:
        return None
    summary = summarize(folder)
    spec = summary.record.spec
    return summary.point(spec.rule, spec.budgets[-1]).accuracy


def _curve(folder: Path) -> str:
    """Accuracy at each budget, and what a perfect choice would reach at the last."""
    summary = summarize(folder)
    spec = summary.record.spec
    points = [f"{100 * summary.point(spec.rule, budget).accuracy.value:.1f}" for budget in spec.budgets]
    oracle = 100 * summary.point("oracle", spec.budgets[-1]).accuracy.value
    return f"{spec.rule} at {', '.join(map(str, spec.budgets))}: {', '.join(points)}; oracle {oracle:.1f}"


def _paper(table: int, name: str) -> float | None:
    """The paper's figure on MATH of the one system of a table whose name holds `name`."""
    found = [
        each for each in cited(PAPER_TASK, (f"Table {table}",)) if each.system.endswith(name) or name in each.system
    ]
    exact = [each for each in found if each.system.endswith(name)] or found
    return 100 * exact[0].accuracy if exact else None


def _problems(limit: int | None) -> str:
    return "all problems" if limit is None else f"{limit} problems"


def _shown(estimate: Estimate | None) -> str:
    return "-" if estimate is None else estimate.text()


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
