"""What a gate decided: as text, as Markdown for a pull request, as JUnit XML, and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from harness.compare_flips import flip_rows, markdown_flips
from harness.compare_json import pair_json
from harness.compare_report import detectable_line, difference_line, p_text
from harness.gate import EXIT_CODES, TITLES, Decision, Gate
from harness.grade_summary import aligned
from harness.paired_intervals import points
from harness.report import RULE_TITLES, markdown_table

NUM_FLIPS = 10
"""Flipped problems in a summary. Chosen, not tuned."""
_NAMES, _DIFFERENCE = ("baseline", "candidate"), "candidate - baseline"
UNFINISHED = "unfinished"
"""Stands where an outcome would, as long as a run is not complete."""
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 (section 2.2) has no way to write."""


def outcome_title(gate: Gate) -> str:
    """The outcome in words."""
    return TITLES[gate.outcome] if gate.is_complete else f"{UNFINISHED}: no outcome"


def gate_lines(gate: Gate) -> Iterator[str]:
    """The outcome and its reasons for a terminal."""
    yield f"Gate: {outcome_title(gate)} (tolerance {100 * gate.tolerance:g} points; A: baseline, B: candidate)"
    for each in gate.decisions:
        found = each.result
        yield ""
        yield f"{found.task}: {_decision_title(each)}. {_sentence(each)}"
        yield from found.notes
        yield ""
        yield from aligned(_side_rows(each), 3)
        yield ""
        yield difference_line(found, _DIFFERENCE)
        yield f"{detectable_line(found)}."
        if found.flips:
            shown = min(len(found.flips), NUM_FLIPS)
            yield ""
            yield f"Flipped: {len(found.flips):,} of {found.difference.num_problems:,} problems, {shown} shown"
            yield from aligned(flip_rows(found, NUM_FLIPS, _NAMES), 5)


def gate_markdown(gate: Gate) -> str:
    """One page for a pull request: the outcome first, then a row for each task, then what to look at."""
    lines = [f"## rstar gate: {outcome_title(gate)}", ""]
    lines += [f"Candidate (B) against baseline (A), tolerance {100 * gate.tolerance:g} points.", ""]
    rows = [["task", "outcome", "problems", "baseline %", "candidate %", "difference, points", "95 % interval", "p"]]
    for each in gate.decisions:
        found = each.result
        rows.append(
            [
                found.task,
                _decision_title(each),
                f"{found.difference.num_problems:,}",
                *(f"{100 * accuracy.value:.1f}" for accuracy in found.accuracies),
                points(found.difference.value),
                each.interval.text(),
                p_text(found.adjusted_p),
            ]
        )
    lines += [*markdown_table(rows, 2), ""]
    for each in gate.decisions:
        lines += _markdown_details(each)
    return "\n".join(lines) + "\n"


def gate_json(gate: Gate) -> dict[str, Any]:
    """Everything, with names that stay. `outcome` is null as long as a run is unfinished."""
    return {
        "outcome": gate.outcome if gate.is_complete else None,
        "title": outcome_title(gate),
        "exit_code": EXIT_CODES[gate.outcome] if gate.is_complete else 1,
        "is_complete": gate.is_complete,
        "tolerance_points": 100 * gate.tolerance,
        "decisions": [
            {
                "task": each.result.task,
                "outcome": each.outcome if each.result.is_complete else None,
                "reason": each.reason,
                "comparison": pair_json(each.result),
            }
            for each in gate.decisions
        ],
    }


def gate_junit(gate: Gate) -> str:
    """JUnit XML, a test case for each task: `worse` is a failure, `not enough evidence` skipped, an unfinished run an
    error."""
    cases = [_junit_case(each) for each in gate.decisions]
    count = {kind: str(sum(case.find(kind) is not None for case in cases)) for kind in ("failure", "error", "skipped")}
    suite = ElementTree.Element(
        "testsuite",
        name="rstar gate",
        tests=str(len(cases)),
        failures=count["failure"],
        errors=count["error"],
        skipped=count["skipped"],
    )
    suite.extend(cases)
    ElementTree.indent(suite)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suite, encoding="unicode")}\n'


def write_github(gate: Gate, environment: dict[str, str]) -> list[Path]:
    """Append the summary and the outcome to the files that GitHub Actions names, where it does; those files."""
    written = []
    outcome = gate.outcome if gate.is_complete else UNFINISHED
    texts = {"GITHUB_STEP_SUMMARY": gate_markdown(gate), "GITHUB_OUTPUT": f"outcome={outcome}\n"}
    for name, text in texts.items():
        if environment.get(name):
            path = Path(environment[name])
            with path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(text)
            written.append(path)
    return written


def json_text(gate: Gate) -> str:
    """`gate_json` as text."""
    return json.dumps(gate_json(gate), indent=2) + "\n"


def _decision_title(each: Decision) -> str:
    return TITLES[each.outcome] if each.result.is_complete else UNFINISHED


def _sentence(each: Decision) -> str:
    return f"{each.reason[0].upper()}{each.reason[1:]}."


def _side_rows(each: Decision) -> list[list[str]]:
    rows = [["", "run", "rule", "trajectories", "accuracy %, 95 %", "no answer", "grader error"]]
    found = each.result
    problems = list(found.problems)
    sides = zip(_NAMES, (found.a, found.b), found.accuracies, strict=True)
    for name, side, accuracy in sides:
        counts = [f"{side.count(problems, verdict):,}" for verdict in ("no_answer", "grader_error")]
        rows.append([name, side.record.id, RULE_TITLES[side.rule], str(side.budget), accuracy.text(), *counts])
    return rows


def _markdown_details(each: Decision) -> list[str]:
    found = each.result
    lines = [f"**{_escaped(found.task)}**: {_sentence(each)}", ""]
    lines += [f"- **{_escaped(note)}**" for note in found.notes]
    lines += [f"- {detectable_line(found)}."]
    lines += [f"- The runs differ in: {_escaped('; '.join(found.settings))}"] if found.settings else []
    lines += ["", *markdown_table(_side_rows(each), 3), ""]
    if found.flips:
        shown = min(len(found.flips), NUM_FLIPS)
        title = f"{len(found.flips):,} of {found.difference.num_problems:,} problems flipped, {shown} shown"
        lines += [
            f"<details><summary>{title}</summary>",
            "",
            *markdown_flips(found, NUM_FLIPS, _NAMES),
            "",
            "</details>",
            "",
        ]
    return lines


def _junit_case(each: Decision) -> ElementTree.Element:
    found = each.result
    case = ElementTree.Element("testcase", classname="rstar.gate", name=_xml(found.task))
    kind = {"worse": "failure", "unsure": "skipped"}.get(each.outcome, "")
    kind = kind if found.is_complete else "error"
    if kind:
        message = each.reason if found.is_complete else "; ".join(found.notes)
        ElementTree.SubElement(case, kind, message=_xml(f"{_decision_title(each)}: {message}"))
    text = "\n".join(
        [
            "",
            *(row for row in aligned(_side_rows(each), 3)),
            difference_line(found, _DIFFERENCE),
            *found.notes,
            "",
        ]
    )
    ElementTree.SubElement(case, "system-out").text = _xml(text)
    return case


def _xml(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _escaped(text: str) -> str:
    return "".join(f"\\{each}" if each in "\\|<`*_[]" else each for each in text)
