"""Imports go one way: tasks ← rstar ← harness ← leaderboard; heavy packages only where they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ["tasks", "rstar", "harness", "leaderboard"]
HEAVY = {"torch", "vllm", "transformers", "trl", "ray", "accelerate", "datasets", "peft"}


def files(layer: str) -> list[Path]:
    return sorted((ROOT / layer).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """(module, whether it is imported when the file is) of every import; those for type checkers only left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checking = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    inside = {
        node for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(f)
    }
    for node in ast.walk(tree):
        if node in checking:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node not in inside
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node not in inside


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_what_stands_to_its_left(layer: str) -> None:
    right = set(LAYERS[LAYERS.index(layer) + 1 :])
    offences = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in files(layer)
        for module, _ in imports(path)
        if module.split(".")[0] in right
    ]
    assert offences == []


def test_the_product_never_imports_its_tests() -> None:
    assert not [p for layer in LAYERS for p in files(layer) for m, _ in imports(p) if m.split(".")[0] == "tests"]


def test_the_command_line_starts_without_heavy_packages() -> None:
    code = (
        "import sys\n"
        "from harness.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print('LOADED', sorted({HEAVY | {'pandas', 'scipy', 'sympy', 'matplotlib', 'numpy'}!r} & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.splitlines()[-1] == "LOADED []"


@pytest.mark.parametrize("layer", LAYERS)
def test_heavy_packages_are_imported_at_the_top_only_in_files_named_for_their_use(layer: str) -> None:
    allowed = ("rstar/engines", "rstar/reward", "rstar/training", "harness/distributed")
    offences = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in files(layer)
        for module, is_at_top in imports(path)
        if is_at_top and module.split(".")[0] in HEAVY and not str(path.relative_to(ROOT)).startswith(allowed)
    ]
    assert offences == []


@pytest.mark.parametrize("layer", LAYERS)
def test_files_stay_readable_in_size(layer: str) -> None:
    assert [
        f"{p.relative_to(ROOT)}: {n}" for p in files(layer) if (n := len(p.read_text("utf-8").splitlines())) > 400
    ] == []
