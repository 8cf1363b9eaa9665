"""SFT examples: a question and a solution become token ids and labels, the loss on the solution only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rstar.prompts import END_OUTPUT, OUTPUT, prompt_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""Label of a token outside the loss, as torch's cross entropy and TRL have it."""
_OUTPUT = re.compile(rf"(\n{re.escape(OUTPUT)}.*?{re.escape(END_OUTPUT)})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SftRow:
    """One solution to learn from."""

    id: str
    """The problem's id, e.g. `procedural-train/relations-4-0017`."""
    question: str
    solution: str
    """All of it, markers and outputs included, as `rstar.prompts.solution_text` writes it."""


@dataclass(frozen=True, slots=True)
class SftExample:
    """Token ids of prompt and solution with the end-of-text token, and as many labels."""

    input_ids: list[int]
    labels: list[int]


def make_example(row: SftRow, tokenizer: PreTrainedTokenizerBase, *, mask_output: bool) -> SftExample:
    """Prompt tokens are outside the loss; so is what the interpreter wrote, its markers included, with `mask_output`.

    The line break before the output marker counts as the interpreter's.
    """
    ids = list(tokenizer.encode(prompt_text(row.question, "rstar-sft"), add_special_tokens=False))
    labels = [IGNORED] * len(ids)
    for part, is_output in parts_of(row.solution):
        tokens = list(tokenizer.encode(part, add_special_tokens=False))
        ids += tokens
        labels += [IGNORED] * len(tokens) if is_output and mask_output else tokens
    if isinstance(tokenizer.eos_token_id, int):
        ids.append(tokenizer.eos_token_id)
        labels.append(tokenizer.eos_token_id)
    return SftExample(ids, labels)


def parts_of(solution: str) -> Iterable[tuple[str, bool]]:
    """The solution cut into (text, whether the interpreter wrote it), in order; joined they are the solution."""
    for index, part in enumerate(_OUTPUT.split(solution)):
        if part:
            yield part, index % 2 == 1
