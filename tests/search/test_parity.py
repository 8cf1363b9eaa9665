"""The official variant grows the trees that the released code grew (shared/data/parity)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rstar.engines.scripted import ScriptedInterpreter, ScriptedPolicy, ScriptedReward
from rstar.interpreter import SandboxInterpreter
from rstar.prompts import parse_step
from rstar.protocols import Interpreter, RewardModel
from rstar.reward.answer_reward import StepsAndLabels
from rstar.search.mcts import MctsConfig, mcts
from rstar.search.tree import Node
from rstar.types import Execution, Scores, Trajectory
from tasks.types import Problem

PARITY = Path(__file__).parents[3] / "shared/data/parity"
POLICY_SEED = 700021
"""The one seed of the released run (parity README: 100003 * 7 + 0)."""
ONE_TREE = MctsConfig(variant="official", budget=1, counts="trees", num_candidates=8, rollouts_per_tree=6)
"""8 candidates, 6 rollouts, one run (parity README)."""

Stored = dict[str, dict[str, Any]]
"""A stored tree: tag ("0", "0.1", ...) to node."""


class Labels:
    """+1 for the true answer, -1 for another."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        return Scores(tuple(1.0 if each.answer == self.answer else -1.0 for each in trajectories), 0, 0, 0.0)


def stored_trees() -> list[Any]:
    """One case per stored tree; none where the data is absent, so that pytest reports an empty parameter set."""
    return [
        pytest.param(path.stem, json.loads(line), id=f"{path.stem}-{number}")
        for path in sorted(PARITY.glob("*.jsonl"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
    ]


def stored_interpreter(tree: Stored) -> ScriptedInterpreter:
    """What the released interpreter said about each program of the tree, error text included."""
    observations: dict[tuple[str, ...], str] = {}
    for tag in tree:
        ancestors = [".".join(tag.split(".")[:length]) for length in range(2, tag.count(".") + 2)]
        codes = tuple(parse_step(tree[each]["action_input"], "<end_of_step>").code for each in ancestors)
        observations[codes] = tree[tag].get("observation", "")

    def execute(prefix: tuple[str, ...], code: str) -> Execution:
        observation = observations[(*prefix, code)]
        failed = "error" in observation.lower()
        return Execution("error" if failed else "ok", "" if failed else observation, observation if failed else "", 0.0)

    return ScriptedInterpreter(execute)


def tag(node: Node) -> str:
    return ".".join(["0", *(str(index + 1) for index in node.address())])


def grow(source: ModuleType, kind: str, row: dict[str, Any], interpreter: Interpreter | None = None) -> Node:
    ppm = ScriptedReward(source)
    reward: RewardModel = StepsAndLabels(ppm, Labels(row["answer"])) if kind.startswith("sample") else ppm
    policy = ScriptedPolicy(source, fixed_seed=POLICY_SEED)
    problem = Problem("parity", row["question"])
    programs = interpreter or stored_interpreter(row["rstar"])
    return asyncio.run(mcts(problem, policy, reward, programs, ONE_TREE, seed=0)).trees[0]


def check_same_tree(root: Node, stored: Stored) -> None:
    nodes = {tag(node): node for node in root.walk()}
    assert list(nodes) == list(stored)
    for name, node in nodes.items():
        theirs = stored[name]
        assert node.visit_count == theirs["visit_count"], name
        assert node.q_value == pytest.approx(theirs["q_value"], abs=1e-6), name
        assert theirs["text"].startswith(node.trajectory.steps[-1].text if node.parent else ""), name
        assert (node.trajectory.answer or "") == (theirs["final_answer"] if node.trajectory.answer else ""), name


needs_trees = pytest.mark.skipif(not PARITY.is_dir(), reason="shared/data/parity is not on this machine")


@needs_trees
@pytest.mark.parametrize(("kind", "row"), stored_trees())
def test_official_variant_grows_the_released_tree(fake_policy: ModuleType, kind: str, row: dict[str, Any]) -> None:
    check_same_tree(grow(fake_policy, kind, row), row["rstar"])


@needs_trees
@pytest.mark.slow
def test_the_sandbox_lets_the_released_trees_grow_as_they_did(fake_policy: ModuleType) -> None:
    with SandboxInterpreter(display="official") as sandbox:
        for case in stored_trees():
            kind, row = case.values
            check_same_tree(grow(fake_policy, kind, row, sandbox), row["rstar"])
