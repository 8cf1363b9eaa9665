"""The checkpoints inside the package: they load in plain transformers, are finite, small, and solve as they did."""

from __future__ import annotations

import asyncio
import json
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from rstar.engines.transformers import TransformersPolicy
from rstar.prompts import MARKERS, solution_text
from rstar.search.presets import preset
from rstar.search.sampling import sample
from rstar.synthesis.rollouts import NoReward
from rstar.synthesis.walker import Walker
from rstar.training.checkpoints import weights_hash
from tasks.procedural import generate_by_id

TINY = Path(str(files("rstar") / "models" / "tiny"))
STORED = Path(__file__).parents[1] / "data" / "training" / "greedy.json"
MAX_BYTES = 12_000_000

pytestmark = pytest.mark.skipif(
    not (TINY / "policy" / "model.safetensors").is_file(), reason="the tiny checkpoints are not in this checkout"
)


@pytest.mark.parametrize(
    ("name", "auto"), [("policy", AutoModelForCausalLM), ("ppm", AutoModelForSequenceClassification)]
)
def test_a_shipped_model_loads_in_transformers_and_is_finite(name: str, auto: type) -> None:
    model = auto.from_pretrained(TINY / name)  # type: ignore[attr-defined]
    assert all(bool(torch.isfinite(weights).all()) for weights in model.parameters())
    tokenizer = AutoTokenizer.from_pretrained(TINY / name)
    assert all(len(tokenizer.encode(marker, add_special_tokens=False)) == 1 for marker in MARKERS)
    assert len(tokenizer) == model.config.vocab_size


def test_the_shipped_ppm_has_one_label_and_its_value_scale() -> None:
    config = json.loads((TINY / "ppm" / "config.json").read_text(encoding="utf-8"))
    assert config["value_scale"] > 0
    assert AutoModelForSequenceClassification.from_pretrained(TINY / "ppm").config.num_labels == 1


def test_the_shipped_models_stay_small() -> None:
    assert sum(path.stat().st_size for path in TINY.rglob("*") if path.is_file()) < MAX_BYTES


def test_the_shipped_policy_writes_its_stored_greedy_solutions() -> None:
    stored: dict[str, str] = json.loads(STORED.read_text(encoding="utf-8"))
    problems = [generate_by_id(problem_id).problem for problem_id in stored]
    config = preset("greedy").config

    async def solve(policy: TransformersPolicy) -> list[str]:
        searches = [sample(problem, policy, NoReward(), Walker(), config, 0) for problem in problems]
        return [solution_text(result.trajectories[0]) for result in await asyncio.gather(*searches)]

    with TransformersPolicy.load(TINY / "policy", device="cpu", dtype="float32") as policy:
        assert asyncio.run(solve(policy)) == list(stored.values())


def test_the_model_card_names_the_weights_that_are_here() -> None:
    card = (TINY / "README.md").read_text(encoding="utf-8")
    for name in ("policy", "ppm"):
        assert f"| `{name}/model.safetensors` | `{weights_hash(TINY / name)}` |" in card
