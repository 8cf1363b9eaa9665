r"""OlympiadBench: olympiad problems with one final answer; here the English, text-only mathematics part.

Example:

    question: "Compute the largest prime divisor of $15 !-13$ !."
    answer:   "19"                                                                   id: olympiadbench/455

- 675 problems, ids counted from 0. Several answers stand as a comma list in one text (`69,84`): all are asked for,
  so they are one reference and not alternatives.
- Paper: He et al. 2024, https://arxiv.org/abs/2402.14008. Licence: Apache-2.0
  (https://huggingface.co/datasets/Hothan/OlympiadBench). Version: 1.
"""

from __future__ import annotations

from tasks.benchmark import Benchmark
from tasks.official import official_file, official_location, official_reader

BENCHMARKS = (
    Benchmark(
        name="olympiadbench",
        title="OlympiadBench, English text",
        version="1",
        role="eval",
        num_problems=675,
        files=(
            official_file(
                "olympiadbench_test.json", "93ffbef42f6dfc1044c03565dd732ff5eda0e419b783ff766b145fd6cd904554", 275_282
            ),
        ),
        location=official_location("olympiadbench_test.json"),
        licence="Apache-2.0",
        homepage="https://arxiv.org/abs/2402.14008",
        read=official_reader(num_digits=3),
    ),
)
