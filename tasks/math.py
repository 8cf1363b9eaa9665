r"""MATH (Hendrycks et al. 2021): competition mathematics for high-school students, and its 500-problem subset.

Example:

    question: "If $f(x) = \\frac{3x-2}{x-2}$, what is the value of $f(-2) +f(-1)+f(0)$? Express your answer as a
               common fraction."
    answer:   "\\frac{14}{3}"                                                        id: math500/002

- `math500`: the 500 held-out problems of Lightman et al. 2023 (PRM800K). What the rStar-Math paper calls MATH.
- `math`: all 5,000 problems of the test split; it contains the 500.
- Paper: https://arxiv.org/abs/2103.03874. Licence: MIT (https://github.com/hendrycks/math). Version: 1.
- The official files have no subject and no level, so both are empty here. `math` counts from 1, `math500` from 0.
- Four references of `math` are lists of acceptable answers (334, 2717, 2913, 2937): the problem asks for either of two.
"""

from __future__ import annotations

from tasks.benchmark import Benchmark
from tasks.official import official_file, official_location, official_reader

_PAPER = "https://arxiv.org/abs/2103.03874"

BENCHMARKS = (
    Benchmark(
        name="math500",
        title="MATH-500",
        version="1",
        role="eval",
        num_problems=500,
        files=(
            official_file(
                "math500_test.json", "f46b40fed502b874bbf85cf1410fa5de6e18fedf7907f2e47a691e2e47342676", 143_959
            ),
        ),
        location=official_location("math500_test.json"),
        licence="MIT",
        homepage=_PAPER,
        read=official_reader(num_digits=3),
    ),
    Benchmark(
        name="math",
        title="MATH, test split",
        version="1",
        role="eval",
        num_problems=5000,
        files=(
            official_file(
                "MATH_test.json", "fbfa495d964a70a80727358b6027272bb6d9be0f8c2bf28b9e2ca67d6933f5ac", 1_419_474
            ),
        ),
        location=official_location("MATH_test.json"),
        licence="MIT",
        homepage=_PAPER,
        read=official_reader(num_digits=4),
    ),
)
