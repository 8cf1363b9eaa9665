"""The problems that flipped: what each side answered, and where its records and journals are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from harness.compare import Flip, PairResult
from harness.compared_run import RunAnswer, Side
from tasks.jsonl import shorten

_MAX_ANSWERS = 4
"""Different answers, and records, shown of one problem and side."""
_CELL_CHARS = 40


def flip_rows(found: PairResult, num_flips: int, names: Sequence[str] = ("A", "B")) -> list[list[str]]:
    """A title row and a row for each flipped problem: its id, what A and B answered, and where the records are."""
    return [_titles(names)] + [
        [
            plain(flip.problem, _CELL_CHARS),
            _answers_text(flip.a),
            _answers_text(flip.b),
            _where(found.a, flip.problem, flip.a),
            _where(found.b, flip.problem, flip.b),
        ]
        for flip in found.flips[:num_flips]
    ]


def markdown_flips(found: PairResult, num_flips: int, names: Sequence[str] = ("A", "B")) -> Iterator[str]:
    """The flips as a Markdown table whose last columns link to the records.

    What a model or a task wrote stands as code, where Markdown sees no link, no mention and no HTML.
    """
    titles = _titles(names)
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for flip in found.flips[:num_flips]:
        yield f"| {' | '.join(_markdown_cells(found, flip))} |"


def plain(text: str, max_chars: int) -> str:
    """A text from a model or a task on one line, without characters that a terminal obeys."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in shorten(text, max_chars))


def _titles(names: Sequence[str]) -> list[str]:
    return ["problem", *names, *(f"record of {name}" for name in names)]


def _markdown_cells(found: PairResult, flip: Flip) -> Iterator[str]:
    for text in (plain(flip.problem, _CELL_CHARS), _answers_text(flip.a), _answers_text(flip.b)):
        yield f"`{text.replace('`', chr(39)).replace('|', f'{chr(92)}|')}`"
    yield _links(found.a, flip.problem, flip.a)
    yield _links(found.b, flip.problem, flip.b)


def _links(side: Side, problem: str, answers: Sequence[RunAnswer]) -> str:
    """Markdown links to the record of each search, and to its journal where there is one."""
    found = []
    for each in answers[:_MAX_ANSWERS]:
        path, line = side.where(each)
        found.append(f"[line {line}]({_url(path)}#L{line})")
        journal = side.journal(problem, each.seed)
        if journal:
            found.append(f"[{side.kept}]({_url(journal)})")
    return " ".join(found) + (" …" if len(answers) > _MAX_ANSWERS else "")


def _url(path: Path) -> str:
    """A path as the target of a Markdown link, from the working directory where the path lies below it."""
    return quote(_relative(path), safe="/._-")


def _relative(path: Path) -> str:
    shown = os.path.relpath(path)
    return str(path) if shown.startswith("..") else shown


def _where(side: Side, problem: str, answers: Sequence[RunAnswer]) -> str:
    path, _ = side.where(answers[0])
    lines = ",".join(str(each.line) for each in answers[:_MAX_ANSWERS])
    more = ",…" if len(answers) > _MAX_ANSWERS else ""
    kept = f" +{side.kept}" if side.journal(problem, answers[0].seed) else ""
    return f"{_relative(path)}:{lines}{more}{kept}"


def _answers_text(answers: Sequence[RunAnswer]) -> str:
    """What one side answered: `right: 12`, or with several seeds `1/4 right: 12, 13, none`."""
    texts = list(dict.fromkeys("none" if each.answer is None else each.answer for each in answers))
    if len(answers) == 1:
        verdict = "right" if answers[0].verdict == "correct" else answers[0].verdict.replace("_", " ")
        return plain(verdict if answers[0].answer is None else f"{verdict}: {texts[0]}", _CELL_CHARS)
    right = sum(each.verdict == "correct" for each in answers)
    more = ", …" if len(texts) > _MAX_ANSWERS else ""
    return plain(f"{right}/{len(answers)} right: {', '.join(texts[:_MAX_ANSWERS])}{more}", _CELL_CHARS)
