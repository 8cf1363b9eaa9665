"""The cycle collector's settings during a run are the run's alone."""

from __future__ import annotations

import gc

import pytest

from harness.collector import THRESHOLDS, rare_collections


def test_the_collector_is_as_it_was_after_the_block_also_after_an_error() -> None:
    before, num_frozen = gc.get_threshold(), gc.get_freeze_count()

    def fail() -> None:
        with rare_collections():
            assert gc.get_threshold() == THRESHOLDS
            assert gc.get_freeze_count() > num_frozen
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, num_frozen)
