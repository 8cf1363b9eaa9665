r"""Omni-MATH: 4,428 competition problems from national to international level.

Example:

    question: "What is 25% of 60?"
    answer:   "15"                                                                   id: omni_math/3279

- Many references are proofs, families of functions or whole sentences, which no rule-based grader can judge. The
  paper's authors mark a subset for such graders; the official file does not.
- 22 rows repeat the question of an earlier row (4,406 distinct questions). All rows stay, each with its own id.
- Nine rows have no answer: four are pasted solutions rather than questions (4160, 4181, 4232, 4249), two ask to show
  or to construct (4339, 4399). They stay, so that counts match the 4,428 of the official file; their reference is the
  text `NO_REFERENCE`, which no answer equals.
- 12 references have a form feed or a tab where a LaTeX command lost its backslash (`\frac{7}{12}`); it is put back.
  The same defect in about 40 questions is left: questions are kept as the source has them.
- Paper: Gao et al. 2024, https://arxiv.org/abs/2410.07985. Licence: Apache-2.0
  (https://huggingface.co/datasets/KbsdJames/Omni-MATH). Version: 1.
"""

from __future__ import annotations

from tasks.benchmark import Benchmark
from tasks.official import official_file, official_location, official_reader

NO_REFERENCE = "(the source gives no answer)"
_WITHOUT_ANSWER = (4146, 4160, 4167, 4181, 4232, 4249, 4339, 4399, 4415)

BENCHMARKS = (
    Benchmark(
        name="omni_math",
        title="Omni-MATH",
        version="1",
        role="eval",
        num_problems=4428,
        files=(
            official_file(
                "omni_test.json", "83077160eda7ecbd0b5abaa3750a1ee950b2b1ae30adc8b44c72543ecfd1b916", 1_663_918
            ),
        ),
        location=official_location("omni_test.json"),
        licence="Apache-2.0",
        homepage="https://arxiv.org/abs/2410.07985",
        read=official_reader(num_digits=4, references=dict.fromkeys(_WITHOUT_ANSWER, NO_REFERENCE)),
    ),
)
