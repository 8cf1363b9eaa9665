"""GSM8K: grade-school word problems of two to eight steps, test split.

Example:

    question: "A robe takes 2 bolts of blue fiber and half that much white fiber.  How many bolts in total does it
               take?"
    answer:   "3"                                                                    id: gsm8k/0001

- Every answer is a number without unit; the official file keeps what follows `####` in the original solution,
  thousands commas included (`2,125`).
- Paper: Cobbe et al. 2021, https://arxiv.org/abs/2110.14168. Licence: MIT
  (https://github.com/openai/grade-school-math). Version: 1.
"""

from __future__ import annotations

from tasks.benchmark import Benchmark
from tasks.official import official_file, official_location, official_reader

BENCHMARKS = (
    Benchmark(
        name="gsm8k",
        title="GSM8K, test split",
        version="1",
        role="eval",
        num_problems=1319,
        files=(
            official_file(
                "GSM8K_test.json", "063e68ba7f84cfdbea2c135cabde56e1ada0d3bd6ad390d848fe5b5cfe7d18e5", 425_331
            ),
        ),
        location=official_location("GSM8K_test.json"),
        licence="MIT",
        homepage="https://arxiv.org/abs/2110.14168",
        read=official_reader(num_digits=4),
    ),
)
