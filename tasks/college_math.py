r"""College Math: exercises from college textbooks (algebra to differential equations), from MWPBench.

Example:

    question: "Simplify: $-10-4(n-5)$"
    answer:   "10-4n"                                                                id: college_math/0000

- References had their spaces removed upstream: `allrealnumbers`, `\leqx` for `\leq x`. Some are sentences
  without spaces (2250, 2379) that no reply will equal.
- 36 rows repeat the question of an earlier row (2,782 distinct questions). All rows stay, each with its own id; the
  official code keys results by question text and so merges them.
- Paper: Tang et al. 2024, MathScale, https://arxiv.org/abs/2403.02884. Licence: none stated with the data. Version: 1.
"""

from __future__ import annotations

from tasks.benchmark import Benchmark
from tasks.official import official_file, official_location, official_reader

BENCHMARKS = (
    Benchmark(
        name="college_math",
        title="College Math (MWPBench)",
        version="1",
        role="eval",
        num_problems=2818,
        files=(
            official_file(
                "collegemath_test.json", "36cf22b0b740336cea069cc011dc7c168926c8aca59b36b2175c8205625dcc23", 695_556
            ),
        ),
        location=official_location("collegemath_test.json"),
        licence="unknown",
        homepage="https://arxiv.org/abs/2403.02884",
        read=official_reader(num_digits=4),
    ),
)
