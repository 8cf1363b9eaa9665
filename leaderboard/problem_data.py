"""What the page of a problem shows of its record: answers by class, and every trajectory in a few numbers."""

from __future__ import annotations

import json
from typing import Any

from harness.records import ProblemRecord
from leaderboard.site_data import LongTexts
from tasks.types import Verdict

VERDICTS: dict[Verdict, str] = {"correct": "c", "incorrect": "i", "no_answer": "n", "grader_error": "e"}
"""One letter for each outcome of a trajectory with an answer; assets/outcomes.js says what they mean."""
ENDINGS = {"truncated": "t", "code_error": "x", "max_depth": "d", "unparsable": "u", "open": "o", "answered": "n"}
"""The same for one without: why it ended. An answer that could not be read is `n`, no answer."""
ENGINE_FAILED, NO_RECORD = "f", "m"
_encode = json.JSONEncoder(separators=(",", ":")).encode
_DIGITS = 4
"""Of a value in [-1, 1]; a page shows two. Chosen, not tuned."""


def outcomes(record: ProblemRecord) -> str:
    """One letter a trajectory, in order of completion; `f` alone for a search that an engine failed on."""
    if record.error:
        return ENGINE_FAILED
    letters = [VERDICTS[each.verdict] for each in record.answers]
    if None not in record.answer_of:
        return "".join([letters[each] for each in record.answer_of])  # type: ignore[index]
    return "".join(
        [
            ENDINGS[ending] if each is None else letters[each]
            for each, ending in zip(record.answer_of, record.endings, strict=True)
        ]
    )


def record_json(record: ProblemRecord, long: LongTexts) -> str:
    """The record as JSON for its page. Clocks are left out: equal searches give equal pages."""
    if record.error:
        return _encode({"error": long.shown(record.error)})
    usage = record.usage or {}
    content: dict[str, Any] = {
        "answers": [
            [long.shown(each.text), each.number, VERDICTS[each.verdict], long.shown(each.detail)]
            for each in record.answers
        ],
        "of": record.answer_of,
        "values": [round(value, _DIGITS) for value in record.values],
        "tokens": usage.get("completion_tokens", ()),
        "chosen": record.chosen,
        "budget": record.budget,
        "stop": record.stop,
        "duplicates": record.num_duplicates,
        "grader": record.grader_version,
    }
    return _encode(content)
