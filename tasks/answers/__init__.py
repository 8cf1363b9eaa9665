"""Answer extraction and equivalence. These names are stable; everything else in this package is internal.

`extract` finds the answer in a reply, `same_answer` and `grade` judge it, `classes` groups answers for a vote.
"""

from tasks.answers.extract import extract
from tasks.answers.grading import GRADER_VERSION, GradingPolicy, grade, same_answer
from tasks.answers.votes import NO_CLASS, classes

__all__ = ["GRADER_VERSION", "NO_CLASS", "GradingPolicy", "classes", "extract", "grade", "same_answer"]
