"""The notebook of the documentation runs from its first cell to its last, and ends with a curve."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from doc_blocks import ROOT

NOTEBOOK = ROOT / "docs" / "notebooks" / "first_curve.ipynb"


def test_the_notebook_is_kept_without_results() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs_and_draws_a_curve(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="install rstar-bench[docs]")
    import nbformat

    book = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(
        book, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert any("image/png" in out.get("data", {}) for cell in book.cells for out in cell.get("outputs", []))
    assert (tmp_path / "first-curve" / "curve.png").stat().st_size > 10_000
