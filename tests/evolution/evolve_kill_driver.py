"""Runs the micro evolution and kills itself with SIGKILL at the given event: python evolve_kill_driver.py OUT [EVENT].

Events are moments at which something is about to reach the disk, or a training is about to take a step. Without EVENT
the evolution runs to its end and the number of events is printed.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    out, last = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    warnings.simplefilter("ignore")
    count = 0

    def counted(owner: Any, name: str) -> None:
        before: Callable[..., Any] = getattr(owner, name)

        def wrapper(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == last:
                os.kill(os.getpid(), signal.SIGKILL)
            return before(*arguments, **options)

        setattr(owner, name, wrapper)

    from harness import evolution, evolution_report, record_file
    from harness.evolution import evolve
    from rstar import journal
    from rstar.evolution.presets import MICRO
    from rstar.synthesis import run as synthesis_run
    from rstar.synthesis import spill
    from rstar.training import checkpoints, finite, stages

    counted(journal.Journal, "_append")
    counted(record_file.RecordFile, "append")
    counted(spill.Spill, "add")
    counted(synthesis_run, "write_shard")
    counted(stages, "_write")
    counted(evolution, "write_manifest")
    counted(evolution_report, "write_report")
    counted(finite.Finite, "training_step")
    counted(checkpoints, "save")
    outcome = evolve(MICRO, out, lambda line: print(line, flush=True), force=True)
    print("MANIFEST", outcome.manifest["sha256"])
    print("EVENTS", count)


if __name__ == "__main__":
    main()
