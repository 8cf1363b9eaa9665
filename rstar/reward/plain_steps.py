"""Code-augmented steps as a text model reads them.

Public process reward models (PRMs) were trained on solutions in words. A step of ours is Python with its thoughts in
comments. What such a model is shown is a choice; ours:

- the step as it was written, code and comments, without our markers: the code is the step, and a model that has read
  solutions has read programs; no fences around it, as a fence opened in one step and closed in another would cut both;
- where a step ends a program, the line `Output: ...` with what the program printed, as part of that step: the next step
  is written with it in view, and whether the program gave a sensible number is what can be judged of it;
- no blank lines inside a step: in these models' data a blank line stands between steps.

Text by a policy is hostile: the strings that a PRM's tokenizer treats as special, and its step tag, are taken out, or a
step could open steps of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rstar.prompts import END_OUTPUT, MARKERS, OUTPUT, step_text
from rstar.types import Trajectory


class PlainSteps:
    """Makes texts of trajectories for one tokenizer's special strings."""

    def __init__(self, special: Iterable[str]) -> None:
        """`special`: strings that no text may hold; each becomes a space, from which none can be put together again."""
        ordered = sorted({*special, *MARKERS} - {""}, key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, ordered)))

    def of(self, trajectory: Trajectory) -> list[str]:
        """One text per step, in order; empty for a step that holds nothing but markers."""
        return [self._plain(step_text(step)) for step in trajectory.steps]

    def question(self, trajectory: Trajectory) -> str:
        """The problem's question, cleaned."""
        return self._special.sub(" ", trajectory.problem.question).strip()

    def _plain(self, text: str) -> str:
        text = text.replace(OUTPUT, "Output: ").replace(END_OUTPUT, "")
        lines = (line.rstrip() for line in self._special.sub(" ", text).splitlines())
        return "\n".join(line for line in lines if line.strip()).strip()
