"""A solution as typed steps: what a scripted teacher shows, and how it can go wrong in plausible ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from tasks.procedural.draw import Draw

Kind = Literal[
    "add",
    "answer",
    "apply",
    "average",
    "choose",
    "compare",
    "divide",
    "divisor",
    "expand",
    "multiply",
    "percent",
    "power",
    "probability",
    "remainder",
    "share",
    "subtract",
    "weekday",
]
"""The sort of a step: what the solver does in it. Teachers corrupt by kind, so that their mistakes are systematic."""

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class SolutionStep:
    """One step of a worked solution; the steps run in order in one namespace and the last one prints the answer."""

    comment: str
    """What the step does, in words, without the `#`."""
    code: str
    """One or two lines of Python."""
    kind: Kind
    wrong: tuple[str, ...] = ()
    """Other code for this step that runs just as well and is wrong (operand, operation, off by one), never `code`."""

    @property
    def text(self) -> str:
        """The step as a policy writes it: the comment line, then the code."""
        return f"# {self.comment}\n{self.code}"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a family makes from one draw: a question, its exact answer and a worked solution."""

    question: str
    answer: str
    steps: tuple[SolutionStep, ...]


class Solution:
    """Collects the steps of one solution while a family works a problem out."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._steps: list[SolutionStep] = []
        self._imported: set[str] = set()

    def let(self, kind: Kind, comments: str, name: str, expression: str, *wrong: str, needs: str = "") -> None:
        """Add the step `name = expression`.

        `comments` are wordings separated by `|`. `wrong` are other right-hand sides; the ones that equal `expression`
        are dropped. `needs` is an import line for the step's first line, written the first time that it is needed.
        """
        prefix = ""
        if needs and needs not in self._imported:
            self._imported.add(needs)
            prefix = f"{needs}\n"
        others = tuple(f"{prefix}{name} = {other}" for other in dict.fromkeys(wrong) if other != expression)
        self._steps.append(SolutionStep(self._draw.word(comments), f"{prefix}{name} = {expression}", kind, others))

    def draft(self, question: str, answer: object, name: str, *wrong_names: str) -> Draft:
        """Finish with the step that prints `name`; `wrong_names` are variables that one might print instead."""
        comment = self._draw.pick("Now print the final answer", "Print the answer", "This is the answer")
        others = tuple(f"print({other})" for other in dict.fromkeys(wrong_names) if other != name)
        last = SolutionStep(comment, f"print({name})", "answer", others)
        return Draft(question, str(answer), (*self._steps, last))
