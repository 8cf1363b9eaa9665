"""`rstar doctor --policy M`: a few problems under each layout, what is wrong with the replies, and which layout fits.

A model that is asked in a format that it does not know scores about 0 without being bad at mathematics. Here the same
problems are solved greedily in every layout, and the ends that are no answers are told apart by what went wrong.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, get_args

from harness.engines import Resources, open_engines
from harness.retrying import EngineFailure, Engines
from harness.run_inputs import chosen_problems, model_path
from harness.served_models import with_names
from harness.spec import NO_REWARD, RunSpec
from harness.spec_fields import make_spec
from rstar.engines.server_address import is_address
from rstar.prompts import ANSWER, END_OUTPUT, FENCE, MARKERS, TEMPLATED, Layout
from rstar.search.sampling import sample
from rstar.types import Trajectory
from tasks.answers import grade
from tasks.catalog import load_task
from tasks.types import InputError, Problem

NUM_PROBLEMS = 5
MAX_NEW_TOKENS = 1024
"""Of one step: enough for a whole solution in words, and not so much that a model which never stops takes long."""
ENOUGH = 3
"""Problems with an answer, of five, from which on a layout is said to fit. Chosen, not tuned."""
PREFERRED: tuple[Layout, ...] = ("rstar-sft", "chat", "bootstrap", "cot-steps", "cot")
"""Among layouts that fit equally well: first those with code and steps, which a search can judge."""
_SAYS_ANSWER = re.compile(r"\banswer\b|" + re.escape(ANSWER), re.IGNORECASE)
_NO_PYTHON = ("SyntaxError", "IndentationError", "TabError")


@dataclass(frozen=True, slots=True)
class LayoutCheck:
    """What came of the problems in one layout."""

    layout: Layout
    num_problems: int
    num_answered: int
    num_right: int
    errors: Mapping[str, int]
    """What was wrong with the replies that hold no answer, and how often."""
    refusal: str = ""
    """Why the model cannot be asked in this layout; then nothing was."""

    @property
    def fits(self) -> bool:
        """Whether enough of the problems have an answer."""
        return self.num_problems > 0 and self.num_answered * NUM_PROBLEMS >= ENOUGH * self.num_problems


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """All layouts."""

    policy: str
    task: str
    layouts: tuple[LayoutCheck, ...]

    @property
    def best(self) -> LayoutCheck | None:
        """The layout that fits best, None where none does."""
        fitting = [check for check in self.layouts if check.fits]
        if not fitting:
            return None
        return max(fitting, key=lambda check: (check.num_answered, check.num_right, -PREFERRED.index(check.layout)))


Opened = Callable[[RunSpec, Resources], AbstractContextManager[Engines]]


def check_policy(
    fields: Mapping[str, Any], task_name: str = "procedural", opened: Opened = open_engines
) -> PolicyCheck:
    """Ask the policy of `fields` (policy, engine, device and the like) a few problems of a task in each layout.

    The model is loaded once for each layout. Raises InputError where it cannot be loaded or asked in any of them.
    """
    given = with_names({"task": task_name, "preset": "greedy", "ppm": NO_REWARD, **fields})
    given.setdefault("max_new_tokens", MAX_NEW_TOKENS)
    if not is_address(str(given["policy"])):
        model_path(str(given["policy"]), "policy")
    task = load_task(task_name)
    problems = chosen_problems(task, NUM_PROBLEMS)
    checks, refusals = [], []
    for layout in get_args(Layout):
        try:
            checks.append(_check(_spec(given, layout), problems, task.answers, opened))
        except InputError as error:
            refusals.append(error)
            checks.append(LayoutCheck(layout, 0, 0, 0, {}, str(error)))
    if len(refusals) == len(checks):
        raise refusals[0]
    return PolicyCheck(str(given["policy"]), task_name, tuple(checks))


def _spec(given: Mapping[str, Any], layout: Layout) -> RunSpec:
    kept = {name: value for name, value in given.items() if name != "chat_template" or layout in TEMPLATED}
    return make_spec({**kept, "layout": layout})


def _check(spec: RunSpec, problems: Sequence[Problem], answers: Mapping[str, Any], opened: Opened) -> LayoutCheck:
    with opened(spec, Resources()) as engines:
        ends = asyncio.run(_solved(spec, problems, engines))
    found = [end for end in ends if isinstance(end, Trajectory)]
    errors = Counter(format_error(end) if isinstance(end, Trajectory) else end for end in ends)
    del errors[""]
    right = sum(grade(end.answer, answers[end.problem.id]).verdict == "correct" for end in found if end.answer)
    return LayoutCheck(spec.layout, len(ends), len(ends) - errors.total(), right, dict(errors.most_common()))


async def _solved(spec: RunSpec, problems: Sequence[Problem], engines: Engines) -> list[Trajectory | str]:
    """The greedy solution of each problem, or with what the engine failed on it."""

    async def solve(problem: Problem) -> Trajectory | str:
        try:
            result = await sample(problem, engines, engines, engines, spec.config, spec.seeds[0])
        except EngineFailure as error:
            return f"the engine failed: {error}"
        return result.trajectories[0]

    return list(await asyncio.gather(*map(solve, problems)))


def format_error(end: Trajectory) -> str:
    """What is wrong with the form of a solution, in words; empty for one with an answer."""
    step = end.steps[-1] if end.steps else None
    text = step.text if step else ""
    match end.ending:
        case "answered":
            return ""
        case "truncated":
            return "cut off by the length cap" if text else "the prompt fills the context"
        case "max_depth":
            return "no answer after all steps"
        case "code_error":
            error = step.execution.error if step and step.execution else ""
            return "words where code should be" if error.startswith(_NO_PYTHON) else "a program that fails"
    return _unparsable(text)


def _unparsable(text: str) -> str:
    if not text.strip():
        return "an empty reply"
    if text.endswith(END_OUTPUT):
        return "invents what its program prints"
    if _SAYS_ANSWER.search(text):
        return "an answer without a box"
    if FENCE in text:
        return "code in Markdown's fences, without markers"
    return "markers without code" if any(marker in text for marker in MARKERS) else "neither markers nor a box"


def check_lines(check: PolicyCheck) -> list[str]:
    """The check as a table, and the layout that fits."""
    asked = max(each.num_problems for each in check.layouts)
    lines = [
        f"{asked} problems of {check.task} in each layout, one greedy solution each, by {check.policy}",
        f"{'layout':<11}{'answered':>9}{'right':>7}  what was wrong with the others",
    ]
    for each in check.layouts:
        if each.refusal:
            lines.append(f"{each.layout:<11}{'-':>9}{'-':>7}  cannot be asked: {each.refusal}")
            continue
        wrong = "; ".join(f"{count} {error}" for error, count in each.errors.items())
        lines.append(f"{each.layout:<11}{each.num_answered:>9}{each.num_right:>7}  {wrong or 'nothing'}")
    best = check.best
    if best is None:
        lines.append(
            f"No layout fits: none has an answer to {ENOUGH} of {NUM_PROBLEMS}; a base model needs training first, or "
            "a chat model its template (--chat-template)"
        )
    else:
        lines.append(f"Fits best: --layout {best.layout}")
    return lines
