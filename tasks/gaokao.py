r"""GaokaoEn 2023: the mathematics of the 2023 Chinese college entrance examinations, in English.

Example:

    question: "What is the coefficient of $x$ in the full expansion of $(2x-\\frac{1}{x})^{5}$?"
    answer:   "80"                                                                   id: gaokao2023en/003

- References had their spaces removed upstream, as in `\{x|-2\leqx<1\}`.
- Rows 167 and 192 have an empty answer, because it stands at the end of the question (`answers: $\frac{3}{10}$`,
  `Answer: A`). The reference is taken from there; the question stays as the source has it, answer included.
- Paper: Liao et al. 2024, MARIO, https://arxiv.org/abs/2401.08190. Licence: MIT
  (https://huggingface.co/datasets/MARIO-Math-Reasoning/Gaokao2023-Math-En). Version: 1.
"""

from __future__ import annotations

from tasks.benchmark import Benchmark
from tasks.official import official_file, official_location, official_reader

_AT_THE_END_OF_THE_QUESTION = {167: r"\frac{3}{10}", 192: "A"}

BENCHMARKS = (
    Benchmark(
        name="gaokao2023en",
        title="GaokaoEn 2023",
        version="1",
        role="eval",
        num_problems=385,
        files=(
            official_file(
                "gaokao2023en_test.json", "45efa128727c8f3745b949abb91543b508f9376c6dcc7c0ce443f53df3605888", 120_512
            ),
        ),
        location=official_location("gaokao2023en_test.json"),
        licence="MIT",
        homepage="https://arxiv.org/abs/2401.08190",
        read=official_reader(num_digits=3, references=_AT_THE_END_OF_THE_QUESTION),
    ),
)
