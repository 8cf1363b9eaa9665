"""No search of an evaluation can see a reference answer: nothing that it is given leads to one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from digits import engines, frozen_clock, same_text
from reachable import reachable

from rstar.engines.scripted import ScriptedPolicy
from rstar.reward.answer_reward import AnswerReward, StepsAndLabels
from rstar.search.presets import METHODS, method_config
from rstar.types import Trajectory
from tasks.types import Grade, InputError, Problem, Reference, Role, Source, Task


def make_task(role: Role) -> tuple[Task, str]:
    """A task of three problems, and a secret that is part of each of their references and of nothing else."""
    secret = "-".join(["secret", str(id(object())), role])
    problems = tuple(Problem(f"t/{number}", f"What is {number}?") for number in range(3))
    answers = {problem.id: f"{secret}:{problem.id}" for problem in problems}
    return Task("t", "1", role, Source("generated", "0" * 64, "MIT"), problems, answers), secret


def exact(answer: str | None, reference: Reference) -> Grade:
    return Grade("correct" if answer == reference else "incorrect", answer, reference)


def leaks(secret: str, *roots: Any) -> bool:
    return any(isinstance(thing, str) and secret in thing for thing in reachable(*roots))


@pytest.mark.parametrize("method", METHODS)
def test_nothing_that_a_search_is_given_or_gives_leads_to_a_reference(method: str) -> None:
    task, secret = make_task("eval")
    policy, reward, interpreter = engines()
    config = method_config(method, {"budget": 4})
    arguments = (task.problems[0], policy, reward, interpreter, config, 0, frozen_clock, same_text)
    assert not leaks(secret, METHODS[method].search, *arguments)
    coroutine = METHODS[method].search(*arguments[:6], clock=frozen_clock, classes=same_text)
    assert not leaks(secret, coroutine.cr_frame.f_locals)
    result = asyncio.run(coroutine)
    assert not leaks(secret, result, *arguments)


def test_the_walk_finds_a_reference_wherever_one_is_hidden() -> None:
    task, secret = make_task("train")
    policy, reward, _ = engines()

    class Holder(ScriptedPolicy):
        pass

    holder = Holder(policy.source)
    holder.notes = task.answers  # type: ignore[attr-defined]

    def closure() -> Any:
        return task

    hiding_places = [
        task,
        AnswerReward(task, exact),
        StepsAndLabels(reward, AnswerReward(task, exact)),
        holder,
        closure,
        [{"a": (closure,)}],
        task.answers.get,
    ]
    assert [leaks(secret, place) for place in hiding_places] == [True] * len(hiding_places)


def test_labels_are_refused_for_an_eval_task() -> None:
    task, _ = make_task("eval")
    with pytest.raises(InputError, match=r"role 'eval'.*may not guide a search"):
        AnswerReward(task, exact)


def test_labels_of_a_train_task_are_plus_and_minus_one() -> None:
    task, secret = make_task("train")
    reward = AnswerReward(task, exact)
    right = Trajectory(task.problems[0], (), "answered", f"{secret}:t/0")
    wrong, none = Trajectory(task.problems[0], (), "answered", "8"), Trajectory(task.problems[1], (), "code_error")
    assert asyncio.run(reward.score([right, wrong, none])).values == (1.0, -1.0, -1.0)
    assert reward.verdicts == {"correct": 1, "incorrect": 2}


def test_an_open_trajectory_has_no_label() -> None:
    task, _ = make_task("train")
    with pytest.raises(ValueError, match="scores_steps"):
        asyncio.run(AnswerReward(task, exact).score([Trajectory(task.problems[0])]))


def test_a_grader_error_is_counted_apart() -> None:
    task, _ = make_task("train")

    def broken(answer: str | None, reference: Reference) -> Grade:
        return Grade("grader_error", answer, reference, "timeout")

    reward = AnswerReward(task, broken)
    asyncio.run(reward.score([Trajectory(task.problems[0], (), "answered", "7")]))
    assert reward.verdicts["grader_error"] == 1
