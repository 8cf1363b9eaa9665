"""The stand-in policy of shared/bench, where this machine has it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture(scope="session")
def fake_policy() -> ModuleType:
    """`fake_policy.py` as a module: candidates, score, count_tokens, make_problems."""
    path = SHARED / "bench/fake_policy.py"
    if not path.is_file():
        pytest.skip("shared/bench/fake_policy.py is not on this machine")
    spec = importlib.util.spec_from_file_location("fake_policy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
