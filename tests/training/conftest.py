"""A tokenizer, lessons and a model of a few thousand weights, made once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rstar.prompts import prompt_text, solution_text
from rstar.synthesis.procedural_pool import problem_pool
from rstar.synthesis.teacher import teach
from rstar.training.checkpoints import new_policy
from rstar.training.examples import SftRow
from rstar.training.settings import Shape
from rstar.training.tokenizer import train_tokenizer

MICRO = Shape(hidden=16, layers=1, heads=2, kv_heads=1, feed_forward=16, positions=512)


@pytest.fixture(scope="session")
def rows() -> list[SftRow]:
    """One solution of each family at two levels."""
    pool = problem_pool("train", 1, 700, levels=(1, 4))
    return [SftRow(made.problem.id, made.problem.question, solution_text(teach(made, 0).trajectory)) for made in pool]


@pytest.fixture(scope="session")
def tokenizer(rows: Sequence[SftRow]) -> PreTrainedTokenizerBase:
    return train_tokenizer((prompt_text(row.question, "rstar-sft") + row.solution for row in rows), 400)


@pytest.fixture
def model(tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    return new_policy(MICRO, tokenizer, 0)
