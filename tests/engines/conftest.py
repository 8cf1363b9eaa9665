"""Models of a few thousand random weights, and a tokenizer with the markers as single tokens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from tiny_models import make_model, make_tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerFast


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """One torch thread: the models are too small for more, and the machine is shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return make_tokenizer()


@pytest.fixture(scope="session")
def llama() -> PreTrainedModel:
    return make_model("llama")
