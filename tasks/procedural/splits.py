"""Which split a question belongs to: a pure function of its text, so that no seed can put it into two.

Every pair of different numbers in a question is hashed. A question with at least one eval pair is an eval question; one
with none of these but a validation pair is a validation question; all others are for training. Names, wording, the
order of sentences, the family and the level play no part. Two things follow, whatever was drawn by whichever seed:

- no question is in two splits;
- no training question contains all the numbers of an eval question: it would contain the eval pair. So neither a copy
  in other words nor the same story with one more step can slip into training.

The price: a question with more numbers has more pairs, so within a family and level the eval split leans a little
towards the longer questions.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from itertools import combinations
from typing import Literal, get_args

Split = Literal["train", "validation", "eval"]
"""`validation` is for choosing models while training, so that the eval split stays unseen until the end."""

SPLITS: tuple[Split, ...] = get_args(Split)

_NUMBER = re.compile(r"\d+")
# Of 256. One pair in 64 leaves a third of the questions with ten numbers to training; chosen, not tuned.
_EVAL_BELOW = 4
_VALIDATION_BELOW = 6


def pairs_of(question: str) -> set[tuple[int, int]]:
    """All pairs of different whole numbers written in `question`, the smaller one first; empty below two numbers."""
    return set(combinations(sorted(set(map(int, _NUMBER.findall(question)))), 2))


def split_of(question: str) -> Split | None:
    """The only split that `question` can be in; None for a question without two different numbers, which is in none."""
    splits = {_split_of_pair(pair) for pair in pairs_of(question)}
    for split in reversed(SPLITS):
        if split in splits:
            return split
    return None


@lru_cache(maxsize=2**15)
def _split_of_pair(pair: tuple[int, int]) -> Split:
    bucket = blake2b(f"{pair[0]},{pair[1]}".encode(), digest_size=1, person=b"rstar-split").digest()[0]
    if bucket < _EVAL_BELOW:
        return "eval"
    return "validation" if bucket < _VALIDATION_BELOW else "train"
