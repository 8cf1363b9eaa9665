"""A solution as a client reads it: programs and their outputs in fences, words as they are, no markers of ours."""

from __future__ import annotations

from rstar.prompts import CODE, END_CODE, MARKERS, output_of
from rstar.types import Step, Trajectory


class SolutionText:
    """Turns steps into text one by one; what `add` and `end` return, put together, is the text of the solution."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        self._is_in_code = self._has_text = False

    def add(self, step: Step) -> str:
        """The next step's text."""
        return self._program(step) if step.code else self._close() + self._words(step.text)

    def end(self) -> str:
        """What is still to be closed."""
        return self._close()

    def _program(self, step: Step) -> str:
        before, mark, _ = step.text.partition(CODE)
        text = self._close() + self._words(before) if mark else ""
        text += f"\n{step.code}" if self._is_in_code else self._block(f"```python\n{step.code}")
        self._is_in_code = True
        if not step.text.endswith(END_CODE):
            return text
        text += self._close()
        output = "" if step.execution is None else output_of(step.execution)
        return text + (self._block(f"```output\n{output}\n```") if output else "")

    def _words(self, text: str) -> str:
        for marker in MARKERS:
            text = text.replace(marker, "")
        return self._block(text.strip()) if text.strip() else ""

    def _block(self, text: str) -> str:
        """`text` with an empty line before it, except at the very beginning."""
        text, self._has_text = f"\n\n{text}" if self._has_text else text, True
        return text

    def _close(self) -> str:
        was_in_code, self._is_in_code = self._is_in_code, False
        return "\n```" if was_in_code else ""


def solution_markdown(trajectory: Trajectory) -> str:
    """The text of a whole solution."""
    writer = SolutionText()
    return "".join(writer.add(step) for step in trajectory.steps) + writer.end()
