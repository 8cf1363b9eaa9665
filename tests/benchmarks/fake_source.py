"""The stand-in policy of `shared/bench`, loaded by path: the benchmarks name the file on their command line."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

DEFAULT_PATH = Path(__file__).resolve().parents[3] / "shared/bench/fake_policy.py"


def load_source(path: Path) -> ModuleType:
    """`path` as a module with candidates, score, count_tokens and make_problems; exits where it is absent."""
    if not path.is_file():
        sys.exit(f"{path}: is not there; name the stand-in policy with --fake-policy PATH")
    spec = importlib.util.spec_from_file_location("fake_policy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
