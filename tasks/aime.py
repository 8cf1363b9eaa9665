r"""AIME: the American Invitational Mathematics Examination, contests I and II of one year, 15 problems each.

Example:

    question: "There exist real numbers $x$ and $y$, both greater than 1, such that
               $\\log_x\\left(y^x\\right)=\\log_y\\left(x^{4y}\\right)=10$. Find $xy$."
    answer:   "25"                                                                   id: aime2024/I-02

- Ids name the contest and the number: `aime2024/II-13`. Every answer is an integer from 0 to 999, without zeros in
  front here.
- `aime2024`: the official file neither names the contest nor the number. Its order is that of file names sorted as
  text (1, 10, 11, … 15, 2, … 9), contest I before II; each row was matched to its contest problem by its text, and
  loading checks every row's answer against the published key below.
- `aime2025`: not in the official folder. math-ai/aime25 on the hub, which counts 0–29: I 1–15, then II 1–15; checked
  by the same kind of key. Three of its questions (II-04, II-05, II-13) have a form feed or a tab where `\frac` or
  `\triangle` lost its backslash; questions are kept as the source has them.
- Source of the keys: https://artofproblemsolving.com/wiki/index.php/AIME_Problems_and_Solutions.
- Licence: the problems are the MAA's, which states none for such use; math-ai/aime25 states Apache-2.0. Version: 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tasks.benchmark import Benchmark, Item
from tasks.jsonl import Row, read_rows
from tasks.official import official_file, official_location
from tasks.sources import hub_file
from tasks.tables import read_json

_HOMEPAGE = "https://maa.org/maa-invitational-competitions/"
_REVISION_2025 = "563bb8404243c5f09de6ec262f2db674fe5bce9b"

_KEY_2024 = {
    "I": (204, 25, 809, 116, 104, 294, 540, 197, 480, 113, 371, 385, 110, 104, 721),
    "II": (73, 236, 45, 33, 80, 55, 699, 127, 902, 468, 601, 23, 321, 211, 315),
}
_KEY_2025 = {
    "I": (70, 588, 16, 117, 279, 504, 821, 77, 62, 81, 259, 510, 204, 60, 735),
    "II": (468, 49, 82, 106, 336, 293, 237, 610, 149, 907, 113, 19, 248, 104, 240),
}
"""Published answers of problems 1 to 15 of each contest."""

_ORDER_2024 = tuple((contest, number) for contest in ("I", "II") for number in (1, *range(10, 16), *range(2, 10)))
_ORDER_2025 = tuple((contest, number) for contest in ("I", "II") for number in range(1, 16))
"""Contest and number of each row of the file, in order."""


def _items(
    rows: Iterator[Row], question: str, order: Sequence[tuple[str, int]], key: Mapping[str, tuple[int, ...]]
) -> Iterator[Item]:
    for position, row in enumerate(rows):
        if position >= len(order):
            row.reject(f"is one problem more than the expected {len(order)}; replace this copy")
        contest, number = order[position]
        answer = row.reference("answer")
        if answer != str(key[contest][number - 1]):
            row.reject(f"field 'answer' is not the published answer of problem {contest}-{number}; replace this copy")
        yield Item(f"{contest}-{number:02d}", row.filled_text(question), answer)


def _read_2024(paths: Sequence[Path]) -> Iterator[Item]:
    return _items(read_json(paths[0]), "question", _ORDER_2024, _KEY_2024)


def _read_2025(paths: Sequence[Path]) -> Iterator[Item]:
    return _items(read_rows(paths[0], exact_numbers=True), "problem", _ORDER_2025, _KEY_2025)


BENCHMARKS = (
    Benchmark(
        name="aime2024",
        title="AIME 2024, I and II",
        version="1",
        role="eval",
        num_problems=30,
        files=(
            official_file(
                "aime2024_test.json", "0accce80b9de28204d3938d8f24c86f26dd26f60a9ede8e395da7053947b4ee0", 12_681
            ),
        ),
        location=official_location("aime2024_test.json"),
        licence="unknown",
        homepage=_HOMEPAGE,
        read=_read_2024,
    ),
    Benchmark(
        name="aime2025",
        title="AIME 2025, I and II",
        version="1",
        role="eval",
        num_problems=30,
        files=(
            hub_file(
                "aime2025_test.jsonl",
                "math-ai/aime25",
                _REVISION_2025,
                "test.jsonl",
                "b4e273c02d3e7fe1b74b59eae768fc8230bfb0f79539890cb56f4361caac0331",
                15_813,
            ),
        ),
        location=f"https://huggingface.co/datasets/math-ai/aime25/blob/{_REVISION_2025}/test.jsonl",
        licence="Apache-2.0",
        homepage=_HOMEPAGE,
        read=_read_2025,
    ),
)
