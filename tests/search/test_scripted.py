"""The engines without a model."""

from __future__ import annotations

import asyncio
from types import ModuleType

import pytest
from digits import PROBLEM, Digits, engines

from rstar.engines.arithmetic import Arithmetic
from rstar.engines.scripted import ScriptedPolicy, ScriptedReward
from rstar.prompts import parse_step, solution_text
from rstar.types import Execution, Step, Trajectory
from tasks.types import Problem


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("x = 3 * 4\nprint(x - 5)", "7"),
        ("print(17 // 5, -2)", "3 -2"),
        ("import math\nprint(math.gcd(12, 18), math.lcm(4, 6))", "6 12"),
        ("x = 1\nassert x is not None\nprint(x)", "1"),
        ("# only a comment", ""),
    ],
)
def test_arithmetic_prints_what_python_prints(code: str, printed: str) -> None:
    assert Arithmetic()((), code) == Execution("ok", printed, "", 0.0)


@pytest.mark.parametrize(
    "code",
    [
        "x = y",
        "x = (",
        "x = 1 +* 2",
        "x = 1 // 0",
        "open('f')",
        "import os",
        "x = 'a' * 9",
        "x = 10 ** 9",
        "x: int = 3",
        "().__class__",
        "print(eval('1'))",
        "x = " + "-" * 5000 + "1",
        "x = " + "9" * 4000 + " * " + "9" * 4000,
    ],
)
def test_arithmetic_refuses_everything_else(code: str) -> None:
    execution = Arithmetic()((), code)
    assert execution.status == "error"
    assert execution.error


def test_arithmetic_goes_on_from_the_state_of_the_prefix() -> None:
    arithmetic = Arithmetic()
    assert arithmetic(("a = 2", "b = a * 3"), "print(a + b)").stdout == "8"
    assert arithmetic(("a = 2",), "print(b)").status == "error"


def test_a_failed_program_leaves_nothing_behind() -> None:
    arithmetic = Arithmetic()
    arithmetic((), "a = 1\nb = unknown")
    assert arithmetic((), "print(a)").status == "error"


def test_tokens_of_a_prompt_are_those_of_its_text(fake_policy: ModuleType) -> None:
    problem = Problem("p", fake_policy.make_problems(1)[0]["question"])
    policy, trajectory = ScriptedPolicy(fake_policy), Trajectory(problem)
    for depth in range(3):
        proposal = asyncio.run(policy.propose(trajectory, 1, depth))
        text = problem.question + solution_text(trajectory)
        assert proposal.prompt_tokens == fake_policy.count_tokens(text)
        step = proposal.candidates[0]
        execution = Execution("ok", "", "", 0.0)
        trajectory = Trajectory(
            problem, (*trajectory.steps, Step(step.text, parse_step(step.text, step.stop).code, execution))
        )


def test_a_prefix_cache_holds_all_but_what_is_new() -> None:
    source = Digits()
    end = Step("print(7)\n<end_of_code>", "print(7)", Execution("ok", "7", "", 0.0))
    prefix = Trajectory(PROBLEM, (Step("<code>\nd0 = 7\n<end_of_step>", "d0 = 7"), end))
    proposal = asyncio.run(ScriptedPolicy(source).propose(prefix, 1, 0))
    scores = asyncio.run(ScriptedReward(source).score([prefix]))
    assert proposal.prompt_tokens - proposal.cached_tokens == len("<output>7<end_of_output>".split())
    assert scores.tokens - scores.cached_tokens == len("print(7) <end_of_code> <output>7<end_of_output>".split())


def test_the_same_request_has_the_same_reply_and_another_seed_another() -> None:
    policy = engines()[0]
    replies = [asyncio.run(policy.propose(Trajectory(PROBLEM), 8, seed)) for seed in (1, 1, 2)]
    assert replies[0] == replies[1] != replies[2]
