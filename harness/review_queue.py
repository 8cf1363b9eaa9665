"""The review queue: one row per disputed answer, for a person to fill in `verdict` and `reason`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TextIO

from harness.graded_answer import GradedAnswer


@dataclass(slots=True)
class ReviewQueue:
    """Writes each disputed pair once per disagreeing grader, with the id of the first row that has it."""

    file: TextIO
    num_pairs: int = 0
    _seen: set[bytes] = field(default_factory=set)

    def add(self, answer: GradedAnswer) -> None:
        """Write the row's disagreements, if it has any that are new."""
        for against in answer.disagreeing():
            pair = json.dumps([against, answer.reference, answer.predicted]).encode()
            digest = blake2b(pair, digest_size=16).digest()
            if digest not in self._seen:
                self._seen.add(digest)
                self.num_pairs += 1
                self.file.write(json.dumps(answer.review_fields(against), ensure_ascii=False) + "\n")
