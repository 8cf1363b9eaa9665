"""Seeded problem families with exact answers and worked solutions: the embedded default, for eval and for training.

`load_procedural` gives the tasks of the catalog; `generate` gives any number of problems by address.

**Eval and train cannot meet.** A problem's split is no promise about seeds: it is a function of the question's text.
`split_of` hashes every pair of numbers that the question contains; a question with an eval pair is an eval question.
`generate` keeps a draw only if that function names the split that was asked for. So a question that was ever in the
eval split fails the test for every other split, for all seeds, families, levels and versions. So does its copy with
other names, another wording or another order of sentences, because these do not enter the hash, and so does every
question that contains all of its numbers and more. What the splits do share are the templates: the eval split tests new
numbers and new combinations, not new kinds of problems.
"""

from tasks.procedural.generate import FAMILIES, LEVELS, Generated, generate, generate_by_id
from tasks.procedural.loading import NAMES, load_procedural
from tasks.procedural.solution import KINDS, Kind, SolutionStep
from tasks.procedural.splits import SPLITS, Split, split_of

__all__ = [
    "FAMILIES",
    "KINDS",
    "LEVELS",
    "NAMES",
    "SPLITS",
    "Generated",
    "Kind",
    "SolutionStep",
    "Split",
    "generate",
    "generate_by_id",
    "load_procedural",
    "split_of",
]
