"""The PPM on a real vLLM beside the same one on transformers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_vllm import MARKS, MODELS

from rstar.reward.ppm import TransformersPPM
from rstar.reward.vllm_ppm import VllmPPM
from rstar.training.value_head import VALUE_HEAD, export_value_head
from rstar.types import Execution, Step, Trajectory
from tasks.types import Problem

pytestmark = MARKS


def trajectories() -> list[Trajectory]:
    """Solutions of 0 to 4 steps, some with a program's output, and an answer."""
    found = []
    for number in range(12):
        steps: list[Step] = []
        trajectory = Trajectory(Problem(f"toy/{number}", f"What is {number} plus {number * 7}?"))
        for depth in range(number % 5 + 1):
            found.append(trajectory)
            text = f"\n# Step {depth}: add {number}\na{depth} = {number} + {depth * 7}\n<end_of_step>"
            steps.append(Step(("<code>" if depth == 0 else "") + text, ""))
            trajectory = Trajectory(trajectory.problem, tuple(steps))
        ran = Execution("ok", f"{number * 8}\n", "", 0.0)
        steps += [
            Step("\nprint(a0)\n<end_of_code>", "print(a0)", ran),
            Step("\n<answer>The result is \\boxed{1}.<end_of_answer>", ""),
        ]
        found.append(Trajectory(trajectory.problem, tuple(steps), "answered", "1"))
    return found


@pytest.fixture(scope="module")
def ppm() -> Iterator[VllmPPM]:
    with VllmPPM.load(MODELS / "ppm", device="cpu", max_context_tokens=512, kv_bytes=16 << 20) as ppm:
        yield ppm


@pytest.fixture(scope="module")
def expected() -> tuple[float, ...]:
    with TransformersPPM.load(MODELS / "ppm", device="cpu", max_context_tokens=512, kv_bytes=1 << 26) as ppm:
        return asyncio.run(ppm.score(trajectories())).values


def test_values_are_those_of_transformers(ppm: VllmPPM, expected: tuple[float, ...]) -> None:
    scores = asyncio.run(ppm.score(trajectories()))
    assert scores.values == pytest.approx(expected, abs=1e-3)
    assert max(scores.values) - min(scores.values) > 0.5
    assert scores.tokens == sum(len(ppm.prompts.of(each)) for each in trajectories())


def test_a_second_look_comes_from_the_prefix_cache_and_says_the_same(ppm: VllmPPM, expected: tuple[float, ...]) -> None:
    asyncio.run(ppm.score(trajectories()))
    again = asyncio.run(ppm.score(trajectories()))
    assert again.cached_tokens > 0.6 * again.tokens
    assert again.values == pytest.approx(expected, abs=1e-3)


def test_of_a_solution_longer_than_the_context_the_end_is_read(ppm: VllmPPM) -> None:
    steps = tuple(Step(f"\na{number} = {number} + {number * 3}\n<end_of_step>", "") for number in range(60))
    long = Trajectory(Problem("toy/long", "What is the last one?"), steps)
    assert len(ppm.prompts.of(long)) > 512
    scores = asyncio.run(ppm.score([long]))
    assert scores.tokens == 512
    assert ppm.num_truncated == 1


def test_nothing_asked_is_nothing_read(ppm: VllmPPM) -> None:
    assert asyncio.run(ppm.score([])).values == ()


def test_the_released_layout_is_served_with_the_same_values(
    expected: tuple[float, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSTAR_CACHE_DIR", str(tmp_path / "cache"))
    released = tmp_path / "released"
    export_value_head(MODELS / "ppm", released)
    assert (released / VALUE_HEAD).is_file()
    with VllmPPM.load(released, device="cpu", max_context_tokens=512, kv_bytes=16 << 20) as served:
        values = asyncio.run(served.score(trajectories())).values
    assert values == pytest.approx(expected, abs=1e-3)
    [kept] = (tmp_path / "cache" / "ppm").iterdir()
    assert (kept / "model.safetensors").is_file()
