"""The published SFT and PPM training sets, in and out.

| set | row |
|---|---|
| `ElonTusk2001/rstar_sft`, `train/sft_data_examples.json` | `query`, `response` |
| `ElonTusk2001/rstar_ppm`, `train/rm_data_examples.json` | `prompt`, `pos`, `neg`, `pos_count`, `neg_count` |

Both are JSON arrays. A PPM prompt is the SFT prompt with the steps that both share; where whole solutions are compared
it is the question alone, and `pos` and `neg` begin with the assistant's marker. The loss weighs a pair by
1 / (pos_count x neg_count). What goes in and out again is the same text; only our ids are lost on the way out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rstar.prompts import ANSWER, ASSISTANT, CODE, END_OUTPUT, END_STEP, USER, prompt_text
from rstar.synthesis.json_stream import stream_rows
from tasks.jsonl import Row

_OPENING = f"{USER}:\n"
_ASSISTANT = prompt_text("", "rstar-sft").removeprefix(_OPENING)
_STEP_ENDS = re.compile(f"(?<={re.escape(END_STEP)})|(?<={re.escape(END_OUTPUT)})")


def import_sft(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of `rstar train sft` from a published SFT file. Raises InputError for a row of another form."""
    for row in stream_rows(path):
        solution = row.filled_text("response")
        if CODE not in solution and ANSWER not in solution:
            row.reject(f"field 'response' holds no {CODE} and no {ANSWER}; this is no published SFT set")
        yield {"id": _id(path, row), "question": row.filled_text("query"), "solution": solution}


def export_sft(path: Path) -> Iterator[dict[str, Any]]:
    """Published SFT rows from a file of `rstar train sft`."""
    for row in stream_rows(path):
        yield {"query": row.filled_text("question"), "response": row.filled_text("solution")}


def import_pairs(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of `rstar train ppm` from a published PPM file. Raises InputError for a row of another form.

    `prefix_chars` keeps how much of both solutions the prompt held, so that the way back gives the same prompt.
    """
    for row in stream_rows(path):
        prompt, good, bad = (row.filled_text(name) for name in ("prompt", "pos", "neg"))
        if not prompt.startswith(_OPENING):
            row.reject(f"field 'prompt' does not begin with {USER}: and a line break; this is no published PPM set")
        is_whole = _ASSISTANT not in prompt
        question, chosen = _parted(row, prompt + good)
        rejected = _parted(row, prompt + bad)[1]
        counts = {name: _count(row, name) for name in ("pos_count", "neg_count")}
        yield {
            "id": _id(path, row),
            "question": question,
            "chosen": chosen,
            "rejected": rejected,
            "weight": 1 / (counts["pos_count"] * counts["neg_count"]),
            "depth": len(steps_of(chosen)),
            "rule": "final" if is_whole else "released",
            "prefix_chars": 0 if is_whole else len(chosen) - len(good),
        } | counts


def export_pairs(path: Path) -> Iterator[dict[str, Any]]:
    """Published PPM rows from a file of `rstar train ppm`."""
    for row in stream_rows(path):
        chosen, rejected = row.filled_text("chosen"), row.filled_text("rejected")
        prefix = _shared_prefix(row, chosen, rejected)
        question = row.filled_text("question")
        if prefix is None:
            prompt, good, bad = f"{_OPENING}{question}", _ASSISTANT + chosen, _ASSISTANT + rejected
        else:
            prompt = prompt_text(question, "rstar-sft") + prefix
            good, bad = chosen[len(prefix) :], rejected[len(prefix) :]
        neg, pos = _counts(row)
        yield {"prompt": prompt, "neg": bad, "pos": good, "neg_count": neg, "pos_count": pos}


def steps_of(solution: str) -> list[str]:
    """A solution cut after every step, outputs with the step that they follow; joined they are the solution."""
    return [part for part in _STEP_ENDS.split(solution) if part.strip()]


def _shared_prefix(row: Row, chosen: str, rejected: str) -> str | None:
    """The steps that both solutions begin with; None where whole solutions are compared."""
    if row.fields.get("rule") == "final":
        return None
    known = row.fields.get("prefix_chars")
    prefix = chosen[:known] if isinstance(known, int) else "".join(steps_of(chosen)[:-1])
    return prefix if rejected.startswith(prefix) else None


def _parted(row: Row, text: str) -> tuple[str, str]:
    """Question and solution of a prompt with its continuation."""
    question, marker, solution = text.removeprefix(_OPENING).partition(_ASSISTANT)
    if not marker:
        row.reject(f"fields 'prompt', 'pos' and 'neg' hold no {ASSISTANT} with the prompt's words; this is no PPM set")
    return question, solution


def _count(row: Row, name: str) -> int:
    """A group's size; 1 where the set has none, as in the released loss for a count of 0."""
    value = row.fields.get(name, 1)
    try:
        count = int(value)
    except (TypeError, ValueError):
        row.reject(f"field '{name}' is no whole number")
    return max(1, count)


def _counts(row: Row) -> tuple[int, int]:
    """(neg_count, pos_count) of a row of ours; without them, two numbers whose product is 1 / weight."""
    if "neg_count" in row.fields and "pos_count" in row.fields:
        return _count(row, "neg_count"), _count(row, "pos_count")
    weight = float(row.fields.get("weight", 1.0))
    return max(1, round(1 / weight)) if weight > 0 else 1, 1


def _id(path: Path, row: Row) -> str:
    return f"{path.stem}/{row.number:07d}"
