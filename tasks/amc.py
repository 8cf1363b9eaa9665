r"""AMC 2023: the 12A and 12B of the American Mathematics Competitions, 40 of their 50 problems.

Example:

    question: "Positive real numbers $x$ and $y$ satisfy $y^3=x^2$ and $(y-x)^2=4y^2$. What is $x+y$?"
    answer:   "36"                                                                   id: amc2023/01

- The contest is multiple choice; this selection (AI-MO's validation set, taken over by the official file) asks for an
  integer instead: where the answer is a fraction or a surd, a sentence such as "find $m+n$" was added. So every
  answer is an integer.
- Contest and number of a problem are not in the file; ids count its rows from 0.
- Source: https://huggingface.co/datasets/AI-MO/aimo-validation-amc. Licence: the problems are the MAA's, which
  states none for such use. Version: 1.
"""

from __future__ import annotations

from tasks.benchmark import Benchmark
from tasks.official import official_file, official_location, official_reader

BENCHMARKS = (
    Benchmark(
        name="amc2023",
        title="AMC 12, 2023",
        version="1",
        role="eval",
        num_problems=40,
        files=(
            official_file(
                "amc23_test.json", "a0d287201bf36654a15af6716df53829acd3dbf27826f09f68a54674f4a33a70", 14_155
            ),
        ),
        location=official_location("amc23_test.json"),
        licence="unknown",
        homepage="https://huggingface.co/datasets/AI-MO/aimo-validation-amc",
        read=official_reader(num_digits=2),
    ),
)
