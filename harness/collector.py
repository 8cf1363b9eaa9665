"""Python's cycle collector while thousands of trees grow: it looks through all of them again and again, in vain.

A search makes hundreds of thousands of objects that live for minutes. With Python's defaults the collector costs a
quarter of a search's own time, and more per node the more problems run side by side. Runs free their trees themselves
(`rstar.search.tree.dissolve`), so what is left to collect is little.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (50_000, 10, 1_000)
"""New objects before the young are looked at (Python: 700), such looks before the middle-aged are (10), and such
before everything is (10). Chosen; `tests/benchmarks/search.py` measures it."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect rarely inside the block, and never look at what was there before it (modules, models)."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
