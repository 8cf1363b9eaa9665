"""The commands of README.md and docs/: which blocks there are, and what each says about being run.

A block is run by the tests unless a comment in the line above its fence says otherwise:

    <!-- not run: needs a GPU -->                 never run; its commands and flags are still checked
    <!-- slow -->                                 run by `make test-slow`, with the other blocks of its page, in order
    <!-- run: RUN:=results/a; exit 10 -->         run at once, words replaced, another exit code expected
    <!-- slow: MODEL:=builtin; RUN:=results/x/* --> both; a value may hold what bash expands, or nothing
    <!-- setup: mkdir a && cp b a -->             above one of the last three: what a shell does first, unseen
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = (
    "rstar",
    "make",
    "python",
    "pip",
    "accelerate",
    "git",
    "cd",
    "curl",
    "docker",
    "podman",
    "lm_eval",
    "sbatch",
)
"""A block without a language whose first word is one of these holds commands."""
_FENCE = re.compile(r"^(?P<indent> {0,4})```(?P<language>[\w-]*)[^`]*$")
_MARKER = re.compile(r"^\s*<!--\s*(?P<kind>not run|slow|run)\s*(?::\s*(?P<rest>.*?))?\s*-->\s*$")
_INLINE = re.compile(r"`((?:rstar|make|python) [^`]+)`")
_OPERATORS = re.compile(r"^[|&;<>()]+$")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")


@dataclass(frozen=True, slots=True)
class Marker:
    """What a page says about running a block."""

    kind: str
    """`run`, `slow` or `not run`; the empty text where nothing is said."""
    reason: str = ""
    replacements: dict[str, str] = field(default_factory=dict)
    exit_code: int = 0
    setup: str = ""
    """A shell's commands to run before; slow blocks only."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    """Of the fence, from 1."""
    language: str
    text: str
    marker: Marker

    @property
    def name(self) -> str:
        """Page and line, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_commands(self) -> bool:
        """Whether it holds commands for a shell."""
        first = self.text.split(maxsplit=1)[:1]
        return self.language in ("bash", "sh", "console") or (
            not self.language and first[:1] != [] and first[0] in PROGRAMS
        )

    @property
    def script(self) -> str:
        """Its text with the words replaced that the marker replaces."""
        values = self.marker.replacements
        longest_first = sorted(map(re.escape, values), key=len, reverse=True)
        pattern = rf"(?<![\w/.-])(?:{'|'.join(longest_first)})(?![\w-])"
        return re.sub(pattern, lambda found: values[found[0]], self.text) if values else self.text


def pages() -> list[Path]:
    """Every page whose commands are checked."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opened = _FENCE.match(lines[number])
        if not opened:
            number += 1
            continue
        indent, start = opened["indent"], number
        end = next(n for n in range(start + 1, len(lines)) if lines[n].startswith(f"{indent}```"))
        text = "\n".join(line.removeprefix(indent) for line in lines[start + 1 : end])
        yield Block(page, start + 1, opened["language"], text, _marker(lines[:start], f"{page.name}:{start + 1}"))
        number = end + 1


def inline_commands(page: Path) -> Iterator[tuple[int, str]]:
    """(line, command) of every command that stands in a sentence or a table."""
    inside = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        inside ^= bool(_FENCE.match(line))
        if not inside:
            yield from ((number, found) for found in _INLINE.findall(line))


def simple_commands(text: str) -> Iterator[list[str]]:
    """The words of each command of a script, without comments, redirections and assignments before it."""
    for line in _whole_lines(text):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        skips = False
        for word in [*lexer, ";"]:
            if _OPERATORS.match(word):
                skips = word.startswith((">", "<"))
                if not skips:
                    yield from [words] if words else []
                    words = []
            elif skips:
                skips = False
            elif words or not _ASSIGNMENT.match(word):
                words.append(word)


def _whole_lines(text: str) -> Iterator[str]:
    """Lines, those joined that a backslash or an open quotation mark goes on from."""
    waiting = ""
    for line in text.replace("\\\n", " ").splitlines():
        waiting = f"{waiting}\n{line}" if waiting else line
        try:
            shlex.split(waiting, comments=True)
        except ValueError:
            continue
        yield waiting
        waiting = ""
    assert not waiting, f"a quotation mark is never closed: {waiting}"


def _marker(before: list[str], where: str) -> Marker:
    spoken = [line for line in before if line.strip()]
    above = spoken[-1] if spoken else ""
    setup = re.match(r"^<!--\s*setup:\s*(.*?)\s*-->$", spoken[-2]) if len(spoken) > 1 else None
    found = _MARKER.match(above)
    if not found:
        assert not re.match(r"\s*<!--\s*(not run|slow|run)\b", above), f"{where}: unreadable marker {above.strip()}"
        return Marker("")
    rest = found["rest"] or ""
    if found["kind"] == "not run":
        assert rest, f"{where}: 'not run' needs its reason"
        return Marker("not run", reason=rest)
    replacements, code = {}, 0
    for part in filter(None, map(str.strip, rest.split(";"))):
        if part.startswith("exit "):
            code = int(part.removeprefix("exit "))
        else:
            word, mark, value = part.partition(":=")
            assert mark, f"{where}: '{part}' is neither WORD:=value nor 'exit N'"
            replacements[word] = value
    return Marker(found["kind"], "", replacements, code, setup[1] if setup else "")
