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

That is what a trained policy writes. Five layouts measure other models too (docs/layouts.md): `bootstrap` shows the
format in two examples; `chat` asks for it through a model's chat template, and reads Markdown's fences as well; `cot`
asks for words and a box, the whole reply one step; `cot-steps` the same, a paragraph a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

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

FENCE, OUTPUT_FENCE = "```", "```output"
"""Markdown's own markers of a program and of what it printed, which chat models write in place of ours."""
PARAGRAPH = "\n\n"
"""Ends a step of `cot-steps`: a blank line, as in the published data of step rewards (PRM800K, Math-Shepherd)."""
NEXT_QUESTION = "\nQuestion:"
"""What a model that was never taught to stop writes after its answer, where the prompt began with these words."""

Layout = Literal["rstar-sft", "bootstrap", "chat", "cot", "cot-steps"]
TEMPLATED = ("chat", "cot", "cot-steps")
"""Layouts that go through the model's chat template, see `rstar.chat`."""
StepKind = Literal["code", "last_code", "text", "answer", "unparsable", "truncated"]


@dataclass(frozen=True, slots=True)
class ParsedStep:
    """What one generated text turned out to be."""

    kind: StepKind
    """`last_code` ends the program; `text` is a paragraph of words, after which others come; `truncated` was cut off by
    the length cap; `unparsable` is none of these and no answer with a box."""
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
    if stop in (FENCE, OUTPUT_FENCE):
        code = _code_of(text)
        return ParsedStep("last_code", code=code) if code else ParsedStep("unparsable")
    # The paper's policies box every answer; "the answer is 5" without a box is none, in a search as in SFT data.
    answer = extract(text) if "\\boxed" in text else None
    if answer is None and stop == PARAGRAPH:
        return ParsedStep("text")
    return ParsedStep("answer", answer=answer) if answer else ParsedStep("unparsable")


def stops_of(layout: Layout) -> tuple[str, ...]:
    """The stop strings that end a step in `layout`; beside them every step ends at the end-of-text token."""
    return _STOPS[layout]


def settled_stop(text: str, stop: str | None, layout: Layout) -> str | None:
    """What ended a step: `stop`, or `FENCE` where a chat model ended its turn after a program to be run."""
    if layout != "chat" or stop != "eos" or "\\boxed" in text or ANSWER in text:
        return stop
    return FENCE if text.count(FENCE) >= 2 else stop


def _code_of(text: str) -> str:
    """The Python in a step: what follows the last `<code>`, without markers, fences and blank edges.

    Words around a fence that names its language are no code.
    """
    text = text[text.rfind(CODE) + len(CODE) :] if CODE in text else text
    for marker in (END_STEP, END_CODE):
        text = text.replace(marker, "")
    text = text.removesuffix(OUTPUT_FENCE)
    if FENCE in text:
        text = _unfenced(text.split("\n"))
    return text.strip("\n \t")


def _unfenced(lines: list[str]) -> str:
    """The lines in fences where the first fence opens one, else all of them but the fences."""
    is_fence = [line.lstrip().startswith(FENCE) for line in lines]
    first = lines[is_fence.index(True)].strip() if any(is_fence) else FENCE
    opens = first != FENCE or (any(is_fence) and is_fence.count(True) % 2 == 0)
    kept, is_inside = [], not opens
    for line, is_mark in zip(lines, is_fence, strict=True):
        if is_mark:
            is_inside = not (opens and is_inside)
        elif is_inside:
            kept.append(line)
    return "\n".join(kept)


def solution_text(trajectory: Trajectory) -> str:
    """The solution so far as the policy reads it: all steps, and the output after each finished program."""
    return "".join(map(step_text, trajectory.steps))


def step_text(step: Step) -> str:
    """One step as the policy reads it later: with the program's output where the step ended a program."""
    if step.execution is None or step.text.endswith(END_STEP):
        return step.text
    if step.text.endswith(END_CODE):
        return f"{step.text}\n{OUTPUT}{output_of(step.execution)}{END_OUTPUT}"
    if FENCE not in step.text:
        return step.text
    opening = "\n" if step.text.endswith(OUTPUT_FENCE) else f"\n{OUTPUT_FENCE}\n"
    return f"{step.text}{opening}{output_of(step.execution)}\n{FENCE}\n"


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
    """What stands before the solution, for a model without a chat template where the layout goes through one.

    Raises InputError for an unknown layout.
    """
    if layout == "rstar-sft":
        # The wording of the released SFT prompt; its training files have one newline before the assistant's marker.
        return f"{USER}:\n{question}\n{ASSISTANT}: Let's think step by step and solve the problem with code."
    if layout in ("bootstrap", "chat"):
        return f"{_INSTRUCTION}\n\n{_EXAMPLES}\n\nQuestion: {question}\nSolution:\n"
    if layout in ("cot", "cot-steps"):
        return f"Question: {question}\n{COT_INSTRUCTION}\nAnswer:"
    raise InputError(f"prompt layout {layout!r} is unknown; use {', '.join(get_args(Layout))}")


def request_text(question: str, layout: Layout) -> str:
    """What a user's message says in a layout that goes through a chat template."""
    if layout == "chat":
        return f"{_INSTRUCTION}\n\n{_EXAMPLES}\n\nSolve the next one in the same format.\nQuestion: {question}"
    return f"{question}\n\n{COT_INSTRUCTION}"


COT_INSTRUCTION = r"Please reason step by step, and put your final answer within \boxed{}."
"""The wording with which Qwen2.5-Math is measured (its model card), and most models since."""

_STOPS: Mapping[Layout, tuple[str, ...]] = {
    "rstar-sft": STEP_STOPS,
    "bootstrap": BOOTSTRAP_STOPS,
    "chat": (*BOOTSTRAP_STOPS, OUTPUT_FENCE),
    "cot": (NEXT_QUESTION,),
    "cot-steps": (PARAGRAPH,),
}

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
