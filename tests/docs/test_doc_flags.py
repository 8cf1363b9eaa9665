"""Commands in the documents name subcommands, flags, targets and scripts that exist, also where they are not run."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_words import complaint
from doc_blocks import ROOT, blocks, inline_commands, pages, simple_commands


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_blocks_are_commands_of_the_program(page: Path) -> None:
    wrong = [
        f"{block.name}: {' '.join(words)}: {found}"
        for block in blocks(page)
        if block.is_commands
        for words in simple_commands(block.script)
        if (found := complaint(words, is_whole=True))
    ]
    assert wrong == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_sentences_name_flags_that_exist(page: Path) -> None:
    wrong = [
        f"{page.name}:{line}: {text}: {found}"
        for line, text in inline_commands(page)
        for words in list(simple_commands(text))[:1]
        if (found := complaint(words, is_whole=False))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rstar repot x", "no command repot"),
        ("rstar report RUN --axes tokens", "no flag --axes"),
        ("rstar report", "Missing argument"),
        ("rstar report RUN --x miles", "'miles'"),
        ("rstar tasks show aime2024 --ids 3", "no flag --ids"),
        ("A=1 rstar run --limit many > out.txt", "'--limit'"),
        ("make tea", "no target tea"),
        ("python tests/benchmarks/gone.py", "does not exist"),
        ("python tests/benchmarks/gate.py --laps 3", "no flag --laps"),
        ("accelerate launch -m harness.cli train sft --epochs 3", "no flag --epochs"),
    ],
)
def test_a_stale_word_is_named(text: str, expected: str) -> None:
    [words] = simple_commands(text)
    assert expected in (complaint(words, is_whole=True) or "")
