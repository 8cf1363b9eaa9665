"""SFT examples: a question and a solution become token ids and labels, the loss on the solution only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rstar.prompts import END_OUTPUT, OUTPUT, STEP_STOPS, prompt_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""Label of a token outside the loss, as torch's cross entropy and TRL have it."""
_OUTPUT = re.compile(rf"(\n{re.escape(OUTPUT)}.*?{re.escape(END_OUTPUT)})", re.DOTALL)
_STEP_END = re.compile("(?<=" + ")|(?<=".join(map(re.escape, STEP_STOPS)) + ")")


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
    ids = list(prompt_tokens(row.question, tokenizer))
    labels = [IGNORED] * len(ids)
    for part, is_output in parts_of(row.solution):
        tokens = list(tokenizer.encode(part, add_special_tokens=False))
        ids += tokens
        labels += [IGNORED] * len(tokens) if is_output and mask_output else tokens
    if isinstance(tokenizer.eos_token_id, int):
        ids.append(tokenizer.eos_token_id)
        labels.append(tokenizer.eos_token_id)
    return SftExample(ids, labels)


def prompt_tokens(question: str, tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """The question in the layout of training."""
    return tuple(tokenizer.encode(prompt_text(question, "rstar-sft"), add_special_tokens=False))


def solution_tokens(solution: str, tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """A solution as the engines read it: every step and every output tokenised apart."""
    return tuple(token for part, _ in parts_of(solution) for token in tokenizer.encode(part, add_special_tokens=False))


def parts_of(solution: str) -> Iterable[tuple[str, bool]]:
    """The solution cut into (text, whether the interpreter wrote it), in order; joined they are the solution.

    Steps are parts of their own, as in `rstar.engines.prompt_tokens`: some tokenizers (Llama 2, Mistral) set another
    token at the beginning of a text than in its middle, so a model must learn from the tokens that it will read.
    """
    for index, part in enumerate(_OUTPUT.split(solution)):
        if index % 2 == 1:
            yield part, True
        else:
            yield from ((step, False) for step in _STEP_END.split(part) if step)
