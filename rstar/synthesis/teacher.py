r"""The scripted noisy teacher: worked solutions of procedural problems, with plausible mistakes, as solution text.

It has the part that the 236B policy has in the paper's first round: a source of solutions in the right format, many of
them wrong. Each step is replaced by one of its wrong variants with a probability that depends on the step's kind, so
the mistakes are systematic: a model that imitates the teacher is wrong in the same places, and learns better only from
what turns out right.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rstar.prompts import ANSWER, CODE, END_ANSWER, END_CODE, END_STEP, solution_text, step_text
from rstar.seeds import derive, generator
from rstar.synthesis.rollouts import Rollout
from rstar.synthesis.walker import Walker
from rstar.types import Step, Trajectory
from tasks.procedural import Generated, Kind, SolutionStep

ERROR_RATES: dict[Kind, float] = {
    "add": 0.15,
    "answer": 0.05,
    "apply": 0.30,
    "average": 0.70,
    "choose": 0.30,
    "compare": 0.30,
    "divide": 0.20,
    "divisor": 0.30,
    "expand": 0.70,
    "multiply": 0.12,
    "percent": 0.30,
    "power": 0.70,
    "probability": 0.70,
    "remainder": 0.70,
    "share": 0.30,
    "subtract": 0.20,
    "weekday": 0.30,
}
"""Probability that a step of a kind is written wrong. Chosen so that about a third of the solutions is right, and so
that five kinds are misconceptions: their first wrong variant is likelier than the right step, so that a model that
imitates the teacher gets them wrong when it decodes greedily, and a vote does not help. Only outcomes tell."""
MISCONCEIVED = 0.70
"""Error rate of a further kind that is to be a misconception too, that of the five above."""
FIRST_WRONG = 0.85
"""Probability that a wrong step is the first of its variants, the most natural slip. Chosen, not tuned."""
MAX_TRIES = 100
"""Corruptions drawn for one problem until a program runs; nearly every one does."""


def error_rates(misconceptions: Collection[Kind] = ()) -> Mapping[Kind, float]:
    """The teacher's error rates where it has `misconceptions` besides its own five."""
    return ERROR_RATES | dict.fromkeys(misconceptions, MISCONCEIVED)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One solution by the teacher."""

    trajectory: Trajectory
    is_correct: bool
    """Whether its answer is the problem's."""
    num_wrong: int
    """Steps that were replaced by a wrong variant; a wrong step can still lead to the right answer."""


def teach(made: Generated, seed: int, rates: Mapping[Kind, float] = ERROR_RATES) -> Lesson:
    """The teacher's solution of a problem; the same arguments always give the same. Every program in it runs."""
    for attempt in range(MAX_TRIES):
        draw = generator(seed, "teacher", made.problem.id, attempt)
        codes = [_written(step, draw.random(), draw.random(), draw.random(), rates) for step in made.steps]
        trajectory = _solved(made, codes)
        if trajectory is not None:
            num_wrong = sum(code != step.code for code, step in zip(codes, made.steps, strict=True))
            return Lesson(trajectory, trajectory.answer == made.answer, num_wrong)
    raise AssertionError(f"{made.problem.id}: no corrupted program runs")


def teacher_rollouts(
    made: Generated, seed: int, count: int, rates: Mapping[Kind, float] = ERROR_RATES
) -> list[Rollout]:
    """`count` solutions of one problem by the teacher as labelled rollouts, the different ones in order of appearance.

    The paper's first round has the bootstrap policy search; here it writes whole solutions, and their common beginnings
    make the tree.
    """
    found: dict[tuple[str, ...], Rollout] = {}
    for number in range(count):
        lesson = teach(made, derive(seed, "rollout", number), rates)
        steps = tuple(map(step_text, lesson.trajectory.steps))
        known = found.get(steps)
        answer, times = lesson.trajectory.answer, known.count if known else 0
        found[steps] = Rollout(made.problem.id, made.problem.question, steps, answer, lesson.is_correct, times + 1)
    return list(found.values())


def step_texts(made: Generated, codes: list[str]) -> list[str]:
    """The code steps of a solution as a policy writes them, one text per step."""
    texts = [f"\n# {step.comment}\n{code}\n{END_STEP}" for step, code in zip(made.steps, codes, strict=True)]
    texts[0] = CODE + texts[0]
    texts[-1] = texts[-1].removesuffix(END_STEP) + END_CODE
    return texts


def answer_text(printed: str) -> str:
    """The answer step after a program that printed `printed`."""
    return f"\n{ANSWER}The answer is \\boxed{{{printed}}}.{END_ANSWER}"


def lesson_text(lesson: Lesson) -> str:
    """The whole solution, outputs included."""
    return solution_text(lesson.trajectory)


def _written(step: SolutionStep, chance: float, which: float, other: float, rates: Mapping[Kind, float]) -> str:
    """The code that the teacher writes for a step; the three numbers are uniform in [0, 1)."""
    if not step.wrong or chance >= rates[step.kind]:
        return step.code
    if which < FIRST_WRONG or len(step.wrong) == 1:
        return step.wrong[0]
    return step.wrong[1 + int(other * (len(step.wrong) - 1))]


def _solved(made: Generated, codes: list[str]) -> Trajectory | None:
    """The trajectory with these codes, run; None where one of them fails."""
    walker, steps = Walker(), list[Step]()
    for code, text in zip(codes, step_texts(made, codes), strict=True):
        execution = walker.execute(tuple(step.code for step in steps), code)
        if execution.status != "ok":
            return None
        steps.append(Step(text, code, execution))
    assert steps[-1].execution is not None
    printed = steps[-1].execution.stdout.strip()
    steps.append(Step(answer_text(printed), ""))
    return Trajectory(made.problem, tuple(steps), "answered", printed)
