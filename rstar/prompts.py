r"""The text format of a solution: its markers, how a prompt is laid out, and how one generated step is read.

A solution, in the format of the released rStar-Math prompts and data:

    <code>
    # Step 1: what to do, in words
    the Python that does it
    <end_of_step>

    # Now print the final answer
    print(...)
    <end_of_code>
    <output>what the program printed<end_of_output>
    <answer>... \boxed{...}<end_of_answer>

A step is what the policy writes up to a stop string, that string included. The interpreter writes the output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rstar.types import Execution, Step, Trajectory
from tasks.answers import extract
from tasks.types import InputError

CODE, END_STEP, END_CODE = "<code>", "<end_of_step>", "<end_of_code>"
OUTPUT, END_OUTPUT = "<output>", "<end_of_output>"
ANSWER, END_ANSWER = "<answer>", "<end_of_answer>"
USER, ASSISTANT = "<|user|>", "<|assistant|>"
MARKERS = (CODE, END_STEP, END_CODE, OUTPUT, END_OUTPUT, ANSWER, END_ANSWER, USER, ASSISTANT)
"""Single tokens of every policy trained here."""
STEP_STOPS = (END_STEP, END_CODE, END_ANSWER)
"""Stop strings of a step-wise search, in rounds 2-4 and at test time (released `sft_eval_mcts.yaml`)."""
BOOTSTRAP_STOPS = (END_STEP, END_CODE, END_OUTPUT, END_ANSWER)
"""Stop strings of the bootstrap round (released `sample_mcts.yaml`): a model not trained here may invent an output."""

Layout = Literal["rstar-sft", "bootstrap"]
StepKind = Literal["code", "last_code", "answer", "unparsable", "truncated"]


@dataclass(frozen=True, slots=True)
class ParsedStep:
    """What one generated text turned out to be."""

    kind: StepKind
    """`last_code` ends the program; `truncated` was cut off by the length cap; `unparsable` is neither code nor an
    answer with a box."""
    code: str = ""
    """The Python in it, for `code` and `last_code`."""
    answer: str | None = None
    """The boxed answer as `tasks.answers.extract` reads it, for `answer`."""


def parse_step(text: str, stop: str | None) -> ParsedStep:
    """Read one generated step; `stop` is what ended it, None for the length cap. Never raises."""
    if stop is None:
        return ParsedStep("truncated")
    if ANSWER not in text and stop in (END_STEP, END_CODE):
        code = _code_of(text)
        if not code:
            return ParsedStep("unparsable")
        return ParsedStep("last_code" if stop == END_CODE else "code", code=code)
    # The paper's policies box every answer; "the answer is 5" without a box is none, in a search as in SFT data.
    answer = extract(text) if "\\boxed" in text else None
    return ParsedStep("answer", answer=answer) if answer else ParsedStep("unparsable")


def _code_of(text: str) -> str:
    """The Python in a step: what follows the last `<code>`, without markers, fences and blank edges."""
    text = text[text.rfind(CODE) + len(CODE) :] if CODE in text else text
    for marker in (END_STEP, END_CODE):
        text = text.replace(marker, "")
    if "```" in text:
        text = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("```"))
    return text.strip("\n \t")


def solution_text(trajectory: Trajectory) -> str:
    """The solution so far as the policy reads it: all steps, and the output after each finished program."""
    return "".join(map(step_text, trajectory.steps))


def step_text(step: Step) -> str:
    """One step as the policy reads it later: with the program's output where the step ended a program."""
    if step.execution is None or not step.text.endswith(END_CODE):
        return step.text
    return f"{step.text}\n{OUTPUT}{output_of(step.execution)}{END_OUTPUT}"


def output_of(execution: Execution) -> str:
    """What goes between the output markers: what was printed, then the error where there was one."""
    return "\n".join(part for part in (execution.stdout.rstrip(), execution.error) if part)


def program_so_far(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps whose code the next step continues: those since the last finished program that ran well.

    A failed step leaves no state behind, so it is left out (with an error threshold of 1 there is none).
    """
    start = 0
    for index in range(len(steps) - 1, -1, -1):
        if steps[index].text.endswith(END_CODE):
            start = index + 1
            break
    return tuple(step for step in steps[start:] if step.execution is not None and step.execution.status == "ok")


def prompt_text(question: str, layout: Layout) -> str:
    """What stands before the solution. Raises InputError for an unknown layout."""
    if layout == "rstar-sft":
        # The wording of the released SFT prompt; its training files have one newline before the assistant's marker.
        return f"{USER}:\n{question}\n{ASSISTANT}: Let's think step by step and solve the problem with code."
    if layout == "bootstrap":
        return f"{_INSTRUCTION}\n\n{_EXAMPLES}\n\nQuestion: {question}\nSolution:\n"
    raise InputError(f"prompt layout {layout!r} is unknown; use rstar-sft or bootstrap")


_INSTRUCTION = f"""\
Solve the mathematics problem by writing a Python program step by step.
- Write the program between {CODE} and {END_CODE}. Put each thought in a comment above the lines that carry it out, and
  end every step but the last with {END_STEP}.
- Use only the standard library, sympy, scipy and numpy. The last step prints the result.
- What the program prints is then shown to you between {OUTPUT} and {END_OUTPUT}.
- Finish with one sentence between {ANSWER} and {END_ANSWER} that gives the result in \\boxed{{}}."""

_EXAMPLES = r"""Question: A shop sells pens at 3 for $4. How much do 18 pens cost, in dollars?
Solution:
<code>
# Step 1: Find how many groups of three pens there are
groups = 18 // 3
<end_of_step>

# Step 2: Each group costs 4 dollars
cost = groups * 4
<end_of_step>

# Now print the final answer
print(cost)
<end_of_code>
<output>24<end_of_output>
<answer>The pens cost \boxed{24} dollars.<end_of_answer>

Question: Find the sum of the real roots of $x^2 - 5x + 6 = 0$.
Solution:
<code>
# Step 1: Write the equation
from sympy import symbols, solve
x = symbols('x')
equation = x**2 - 5*x + 6
<end_of_step>

# Step 2: Solve it and keep the real roots
roots = [root for root in solve(equation, x) if root.is_real]
<end_of_step>

# Now print the final answer
print(sum(roots))
<end_of_code>
<output>5<end_of_output>
<answer>The sum of the real roots is \boxed{5}.<end_of_answer>"""
