"""A comparison as lines for a terminal, as Markdown, and for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.compare import PairResult
from harness.compare_flips import flip_rows, markdown_flips, plain
from harness.compute_axis import SHORT_TITLES
from harness.grade_summary import aligned
from harness.paired_intervals import DETECTION_POWER, LEVEL, fewest_changes, points
from harness.report import RULE_TITLES, markdown_table
from harness.scaling_table import number

NUM_FLIPS = 20
"""Flipped problems shown unless another number is asked for. Chosen, not tuned."""


def compare_lines(results: Sequence[PairResult], *, is_markdown: bool = False, num_flips: int = NUM_FLIPS) -> list[str]:
    """Everything for a reader: over several tasks a table first, then each pair."""
    lines: list[str] = []
    if len(results) > 1:
        lines += [_title(f"{len(results)} comparisons", is_markdown), ""]
        lines += [*_table(overview_rows(results), 1, is_markdown), ""]
        lines += ["p (Holm) holds for all of these comparisons together.", ""]
    for position, found in enumerate(results):
        lines += [*([""] if position else []), *_pair_lines(found, is_markdown, num_flips)]
    return lines


def overview_rows(results: Sequence[PairResult]) -> list[list[str]]:
    """A row for each pair: task, accuracies, difference, p-values, what could have been detected."""
    rows = [["task", "problems", "A %", "B %", "B - A, points", "95 % interval", "p", "p (Holm)", "detectable"]]
    for found in results:
        difference = found.difference
        rows.append(
            [
                f"{found.task}{'' if found.is_complete else ' (PARTIAL)'}",
                f"{difference.num_problems:,}",
                *(f"{100 * each.value:.1f}" for each in found.accuracies),
                points(difference.value),
                difference.interval().text(),
                p_text(difference.p_value),
                p_text(found.adjusted_p),
                f"{100 * difference.detectable:.1f}",
            ]
        )
    return rows


def p_text(p_value: float) -> str:
    """A p-value in two digits."""
    return f"{p_value:.2g}"


def difference_line(found: PairResult, name: str = "B - A") -> str:
    """The difference, its interval, and the test, in one line."""
    difference = found.difference
    interval, count = difference.interval().text(), f"{difference.num_problems:,}"
    changed = f"{difference.num_gained} gained, {difference.num_lost} lost of {count} problems"
    return (
        f"{name}: {points(difference.value)} points, 95 % interval {interval} ({difference.method}); "
        f"p = {p_text(difference.p_value)} ({difference.test}, {changed})"
    )


def detectable_line(found: PairResult) -> str:
    """What data like these could have shown."""
    difference = found.difference
    text = (
        f"Data like these find a true difference of {100 * difference.detectable:.1f} points with a chance of "
        f"{100 * DETECTION_POWER:.0f} % (two-sided, {100 * (1 - LEVEL):.0f} %)"
    )
    if difference.is_single and not difference.num_gained + difference.num_lost:
        least = fewest_changes()
        text = (
            f"Nothing changed; fewer than {least} changes in one direction cannot be told from chance, so this data "
            f"sees no difference below {100 * difference.detectable:.1f} points"
        )
    return text


def _pair_lines(found: PairResult, is_markdown: bool, num_flips: int) -> Iterator[str]:
    yield _title(f"{found.task}: {found.difference.num_problems:,} problems, {_seeds(found)}", is_markdown)
    if is_markdown:
        yield ""
    if not found.is_complete:
        text = f"PARTIAL: only the {found.difference.num_problems:,} problems that are done on both sides are compared"
        yield f"**{text}**" if is_markdown else text
    bullet = "- " if is_markdown else ""
    for note in found.notes:
        yield f"{bullet}{_cell(note, is_markdown)}"
    yield ""
    yield from _table(_accuracy_rows(found), 2, is_markdown)
    yield ""
    yield difference_line(found)
    if found.adjusted_p != found.difference.p_value:
        yield f"{bullet}p = {p_text(found.adjusted_p)} after Holm's correction over all comparisons here"
    yield f"{bullet}{detectable_line(found)}"
    yield from _settings_lines(found, is_markdown)
    yield from _compute_lines(found, is_markdown)
    yield from _flip_lines(found, is_markdown, num_flips)


def _accuracy_rows(found: PairResult) -> list[list[str]]:
    rows = [["", "run", "rule", "trajectories", "accuracy %, 95 %", "right", "no answer", "grader error"]]
    problems = list(found.problems)
    for name, side, accuracy in zip("AB", (found.a, found.b), found.accuracies, strict=True):
        total = len(problems) * len(side.record.spec.seeds)
        rows.append(
            [
                name,
                side.record.id,
                RULE_TITLES[side.rule],
                str(side.budget),
                accuracy.text(),
                f"{side.count(problems, 'correct'):,} of {total:,}",
                f"{side.count(problems, 'no_answer'):,}",
                f"{side.count(problems, 'grader_error'):,}",
            ]
        )
    return rows


def _settings_lines(found: PairResult, is_markdown: bool) -> Iterator[str]:
    yield ""
    if not found.settings:
        yield "The runs were asked the same, of the same models and the same commit."
        return
    yield f"The runs differ in: {_cell('; '.join(found.settings), is_markdown)}"


def _compute_lines(found: PairResult, is_markdown: bool) -> Iterator[str]:
    compute, rules = found.compute, dict.fromkeys((found.a.rule, found.b.rule))
    title = SHORT_TITLES[compute.axis]
    yield ""
    yield (
        f"Same compute ({title}, mean per problem; {' against '.join(RULE_TITLES[rule] for rule in rules)}). Each side "
        "stands at its dearest budget within the limit; nothing is interpolated."
    )
    if compute.note:
        yield f"{compute.note}."
    if not compute.levels:
        return
    rows = [["limit", "A budget", "A used", "A %", "B budget", "B used", "B %", "B - A, points", "95 % interval"]]
    for level in compute.levels:
        cells = [
            cell
            for side in (0, 1)
            for cell in (
                str(level.budgets[side]),
                number(level.costs[side]),
                f"{100 * level.accuracies[side].value:.1f}",
            )
        ]
        rows.append([number(level.limit), *cells, points(level.difference), level.interval.text()])
    yield ""
    yield from _table(rows, 0, is_markdown)


def _flip_lines(found: PairResult, is_markdown: bool, num_flips: int) -> Iterator[str]:
    yield ""
    total = len(found.flips)
    if not total:
        yield "No problem flipped."
        return
    shown = min(total, num_flips)
    more = "" if shown == total else f", the {shown} largest shown (all with --flips {total} or --json)"
    yield f"Flipped: {total:,} of {found.difference.num_problems:,} problems{more}"
    if shown:
        yield ""
        yield from markdown_flips(found, num_flips) if is_markdown else aligned(flip_rows(found, num_flips), 5)


def _seeds(found: PairResult) -> str:
    counts = [len(side.record.spec.seeds) for side in (found.a, found.b)]
    if counts == [1, 1]:
        return "one run each"
    return f"{counts[0]} runs each" if counts[0] == counts[1] else f"{counts[0]} runs of A, {counts[1]} of B"


def _title(text: str, is_markdown: bool) -> str:
    return f"# {_cell(text, True)}" if is_markdown else text


def _cell(text: str, is_markdown: bool) -> str:
    """A text that Markdown shows as it is."""
    text = plain(text, max(1, len(text)))
    return "".join(f"\\{each}" if each in "\\|<`*_[]" else each for each in text) if is_markdown else text


def _table(rows: list[list[str]], num_left: int, is_markdown: bool) -> Iterator[str]:
    return markdown_table(rows, num_left) if is_markdown else aligned(rows, num_left)
