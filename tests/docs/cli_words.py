"""Whether a command fits the program: subcommands and flags of `rstar`, targets of make, flags of scripts."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import typer.main
from doc_blocks import ROOT

from harness import cli


def complaint(words: list[str], *, is_whole: bool) -> str | None:
    """What is wrong with a command, or None. `is_whole`: all of it stands there, so values and arguments count too."""
    if words[0] == "make":
        return _make(words[1:])
    if words[0] == "python" and len(words) > 1 and words[1].endswith(".py"):
        return _script(words[1], words[2:])
    if "harness.cli" in words:
        words = ["rstar", *words[words.index("harness.cli") + 1 :]]
    if words[0].rpartition("/")[2] == "rstar":
        return _rstar(words[1:], is_whole=is_whole)
    return None


def _make(arguments: list[str]) -> str | None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    unknown = [word for word in arguments if word not in targets and "=" not in word and not word.startswith("-")]
    return f"make has no target {unknown[0]}" if unknown else None


def _script(path: str, arguments: list[str]) -> str | None:
    file = ROOT / path
    if not file.is_file():
        return None if "/" not in path else f"{path} does not exist"
    if not path.startswith("tests/"):
        # An example that hands its words to `rstar`.
        return None
    text = file.read_text(encoding="utf-8")
    unknown = [word for word in map(_flag, arguments) if word and f'"{word}"' not in text]
    return f"{path} has no flag {unknown[0]}" if unknown else None


def _rstar(arguments: list[str], *, is_whole: bool) -> str | None:
    first = next((word for word in arguments if not word.startswith("-")), None)
    if first is None:
        return None
    if first not in cli.COMMANDS:
        return f"rstar has no command {first}"
    command: Any = _command(first)
    rest = arguments[arguments.index(first) + 1 :]
    path = f"rstar {first}"
    while getattr(command, "commands", None) and rest and rest[0] in command.commands:
        command, path, rest = command.commands[rest[0]], f"{path} {rest[0]}", rest[1:]
    known = {"--help", "-h", *(name for each in command.params for name in (*each.opts, *each.secondary_opts))}
    unknown = [word for word in map(_flag, rest) if word and word not in known]
    if unknown:
        return f"{path} has no flag {unknown[0]}"
    return _parse(command, path, rest) if is_whole and "--help" not in rest else None


def _parse(command: Any, path: str, arguments: list[str]) -> str | None:
    """The program's own complaint about the words, which are read and not acted upon."""
    try:
        command.make_context(path, list(arguments), resilient_parsing=False)
    except typer.TyperException as error:
        return f"{path}: {error.format_message()}"
    return None


@cache
def _command(name: str) -> Any:
    return typer.main.get_command(cli._build([name])).commands[name]  # type: ignore[attr-defined]


def _flag(word: str) -> str | None:
    found = re.match(r"^(--?[a-zA-Z][\w-]*)(=.*)?$", word)
    return found[1] if found else None
