"""A scaling report as tables: for a terminal, as Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence

from harness.compute_axis import SHORT_TITLES, UNITS, Axis
from harness.grade_summary import aligned
from harness.report import RULE_TITLES, markdown_table, markdown_text
from harness.run_summary import ORACLE
from harness.saturation import LAST_DOUBLINGS
from harness.scaling import Curve, CurvePoint, Scaling, TaskScaling
from harness.scaling_methods import VERDICTS

Table = Callable[[Sequence[Sequence[str]]], Iterator[str]]
_SUFFIXES = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k"))
"""SI prefixes; thousands below ten thousand are written out."""
CSV_COLUMNS = (
    *("task", "kind", "method", "rule", "budget", "x_axis", "x", "accuracy", "low_95", "high_95"),
    *("problems", "seeds", *VERDICTS, "truncated", "is_complete", "is_on_frontier", "source", "note"),
)


def number(value: float) -> str:
    """A cost in at most about four digits: `7.5`, `9,532`, `15.7k`, `3.2T`."""
    for size, letter in _SUFFIXES:
        if value >= size:
            scaled = value / (1e3 if letter == "k" else size)
            return f"{scaled:.3g}{letter}" if scaled < 100 else f"{scaled:.0f}{letter}"
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.3g}"


def signed(value: float) -> str:
    """A difference to one decimal with its sign, without a sign where that is nothing: `+6.7`, `-1.7`, `0.0`."""
    return f"{rounded:+.1f}" if (rounded := round(value, 1)) else "0.0"


def scaling_lines(report: Scaling, *, is_markdown: bool = False) -> Iterator[str]:
    """Per task: accuracy by method and budget with what it cost, saturation, frontier, cited figures, notes."""
    for position, task in enumerate(report.tasks):
        if position:
            yield ""
        title = f"{task.task}: {_methods_text(task)}"
        yield f"# {markdown_text(title)}" if is_markdown else title
        if not task.is_complete:
            yield from ([""] if is_markdown else [])
            yield "**PARTIAL: see the notes**" if is_markdown else "PARTIAL: see the notes"
        if task.curves:
            yield ""
            yield "Accuracy in %, with its 95 % interval; no answer and truncated in % of searches and trajectories"
            yield ""
            yield from _table(is_markdown)(accuracy_rows(task, report.axis), 2)
        yield from ending_lines(task, report.axis, is_markdown=is_markdown)


def ending_lines(task: TaskScaling, axis: Axis, *, is_markdown: bool = False, is_alone: bool = False) -> Iterator[str]:
    """What stands below the accuracies: saturation, frontier, cited figures and notes.

    `is_alone`: below the report of one run, which says itself what is missing and has no rival on the frontier.
    """
    table = _table(is_markdown)
    if any(curve.saturation for curve in task.curves):
        yield ""
        yield saturation_heading(axis)
        yield ""
        yield from table(saturation_rows(task), 2)
    if task.frontier and not is_alone:
        yield ""
        yield "Compute frontier: the best for its cost, and the share of resamples of the problems in which it is"
        yield ""
        yield from table(frontier_rows(task, axis), 2)
    if task.cited:
        yield ""
        yield "Not ours: reported by the rStar-Math paper on this task (sources: leaderboard/published)"
        yield ""
        # A terminal shows the paper's own systems and curves; files hold all.
        yield from table(cited_rows(task, is_whole=is_markdown), 2)
    notes = [note for note in task.notes if not is_alone or note.startswith(("FLOPs", "Measured", "Seeds"))]
    if notes:
        yield ""
        yield from (f"- {markdown_text(note)}" if is_markdown else note for note in notes)


def scaling_csv(report: Scaling) -> str:
    """Every point of every curve and every cited figure, one a row; accuracies and shares from 0 to 1."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for task in report.tasks:
        on_frontier = {(id(each.curve), each.point.budget) for each in task.frontier}
        for curve in task.curves:
            for point in curve.points:
                is_on = (id(curve), point.budget) in on_frontier
                writer.writerow(_csv_row(task, curve, point, report.axis) | {"is_on_frontier": int(is_on)})
        for each in task.cited:
            writer.writerow(
                {
                    "task": _safe_cell(task.task), "kind": "cited", "method": _safe_cell(each.system),
                    "budget": each.budget or "", "accuracy": f"{each.accuracy:.4f}",
                    "source": each.source, "note": each.note,
                }
            )  # fmt: skip
    return text.getvalue()


def scaling_latex(report: Scaling) -> str:
    """One `tabular` per task, with the commands of the package booktabs."""
    parts = []
    for task in report.tasks:
        rows = [[_latex(cell) for cell in row] for row in accuracy_rows(task, report.axis)] if task.curves else []
        lines = [f"% {task.task}: accuracy in %, 95 % interval; needs \\usepackage{{booktabs}}"]
        lines += [f"% {note}" for note in task.notes]
        if rows:
            lines += [f"\\begin{{tabular}}{{ll{'r' * (len(rows[0]) - 2)}}}", "\\toprule"]
            lines += [f"{' & '.join(rows[0])} \\\\", "\\midrule"]
            lines += [f"{' & '.join(row)} \\\\" for row in rows[1:]]
            lines += ["\\bottomrule", "\\end{tabular}"]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def saturation_heading(axis: Axis) -> str:
    """What the figures of `saturation_rows` are."""
    return (
        f"Saturation: slope of a line through the last {LAST_DOUBLINGS:g} doublings of the budget, in points per "
        f"doubling of {UNITS[axis]}, with its 95 % interval (problems resampled)"
    )


def _methods_text(task: TaskScaling) -> str:
    first = task.methods[0]
    seeds = sorted({method.num_seeds for method in task.methods})
    return (
        f"{len(task.methods)} method{'s' if len(task.methods) > 1 else ''}, {first.num_problems:,} problems, "
        f"{' or '.join(map(str, seeds))} seed{'s' if seeds[-1] > 1 else ''}"
    )


def accuracy_rows(task: TaskScaling, axis: Axis) -> list[list[str]]:
    costs = [] if axis == "trajectories" else [SHORT_TITLES[axis]]
    rows = [["method", "rule", "trajectories", *costs, "accuracy", "oracle", "no answer", "grader error", "truncated"]]
    oracles = {
        (id(curve.method), point.budget): point for curve in task.curves if curve.is_oracle for point in curve.points
    }
    for curve in task.curves:
        if curve.is_oracle:
            continue
        for point in curve.points:
            total = sum(point.counts.values())
            rows.append(
                [
                    f"{curve.method.label}{curve.method.state}",
                    RULE_TITLES[curve.rule],
                    f"{point.budget}",
                    *(number(point.cost) for _ in costs),
                    point.accuracy.text(),
                    oracles[id(curve.method), point.budget].accuracy.text(),
                    f"{100 * point.counts['no_answer'] / total:.1f}",
                    f"{100 * point.counts['grader_error'] / total:.1f}",
                    f"{100 * point.truncated:.1f}",
                ]
            )
    return rows


def saturation_rows(task: TaskScaling) -> list[list[str]]:
    rows = [["method", "rule", "budgets", "slope", "so it is"]]
    for curve in task.curves:
        if found := curve.saturation:
            slope = f"{signed(found.slope.value)} [{signed(found.slope.low)}, {signed(found.slope.high)}]"
            label = f"{curve.method.label}{curve.method.state}"
            rows.append([label, RULE_TITLES[curve.rule], ", ".join(map(str, found.budgets)), slope, found.verdict])
    return rows


def frontier_rows(task: TaskScaling, axis: Axis) -> list[list[str]]:
    rows = [["method", "rule", "trajectories", SHORT_TITLES[axis], "accuracy", "share"]]
    for each in task.frontier:
        share = "" if each.share is None else f"{100 * each.share:.0f} %"
        label = f"{each.curve.method.label}{each.curve.method.state}"
        cells = [f"{each.point.budget}", number(each.point.cost), each.point.accuracy.text(), share]
        rows.append([label, RULE_TITLES[each.curve.rule], *cells])
    if axis == "trajectories":
        return [[cell for place, cell in enumerate(row) if place != 3] for row in rows]
    return rows


def cited_rows(task: TaskScaling, *, is_whole: bool = True) -> list[list[str]]:
    """One row for a system and place, its accuracies by budget; without `is_whole` the paper's own and its curves."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in task.cited:
        if not (is_whole or each.is_digitised or each.system.startswith("rStar")):
            continue
        at = "" if each.budget is None else f" at {each.budget}"
        found.setdefault((each.system, each.source + (" (read off)" if each.is_digitised else "")), []).append(
            f"{100 * each.accuracy:.1f}{at}"
        )
    return [["system", "source", "accuracy in % at trajectories"]] + [
        [system, source, ", ".join(values)] for (system, source), values in found.items()
    ]


def _csv_row(task: TaskScaling, curve: Curve, point: CurvePoint, axis: Axis) -> dict[str, object]:
    method = curve.method
    return {
        "task": _safe_cell(task.task),
        "kind": "oracle" if curve.rule == ORACLE else "own rule" if curve.is_headline else "other rule",
        "method": _safe_cell(method.label),
        "rule": curve.rule,
        "budget": point.budget,
        "x_axis": axis,
        "x": repr(point.cost),
        "accuracy": f"{point.accuracy.value:.6f}",
        "low_95": f"{point.accuracy.low:.6f}",
        "high_95": f"{point.accuracy.high:.6f}",
        "problems": method.num_problems,
        "seeds": method.num_seeds,
        **point.counts,
        "truncated": f"{point.truncated:.6f}",
        "is_complete": int(method.is_complete),
        "source": " ".join(run.record.id for run in method.runs),
    }


def _safe_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def _table(is_markdown: bool) -> Callable[[Sequence[Sequence[str]], int], Iterator[str]]:
    return markdown_table if is_markdown else aligned


_LATEX = {each: f"\\{each}" for each in "&%$#_{}"} | {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(each, each) for each in text)
