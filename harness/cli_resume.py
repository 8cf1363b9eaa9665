"""`rstar resume`: go on with a run that was stopped, killed or is partial."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli_fleet import CpusPerWorker, GpusPerWorker, RayAddress, RayWait, Workers, fleet_of
from harness.cli_run import RESULTS, Concurrency, MaxFailures, Out, finish, options
from harness.engine_flags import KvMemory, MaxSamples, Programs, RequestSeconds, Threads, Vllm
from harness.run import plan_resume
from harness.run_folder import find_run


def resume(
    run: Annotated[str, typer.Argument(help="Folder of the run, or its id below the results folder.")],
    concurrency: Concurrency = None,
    programs: Programs = None,
    workers: Workers = None,
    ray_address: RayAddress = None,
    gpus_per_worker: GpusPerWorker = None,
    cpus_per_worker: CpusPerWorker = None,
    ray_wait: RayWait = None,
    kv_memory_mb: KvMemory = None,
    max_samples: MaxSamples = None,
    threads: Threads = None,
    max_failures: MaxFailures = None,
    request_seconds: RequestSeconds = None,
    vllm: Vllm = None,
    out: Out = None,
) -> int:
    """Go on with a run where it stopped: finished problems stay, one that was cut off is replayed from its journal.

    Everything is as the run's folder says; only how the work is done may change.
    """
    fleet = fleet_of(
        workers,
        ray_address,
        gpus_per_worker=gpus_per_worker,
        cpus_per_worker=cpus_per_worker,
        ray_wait=ray_wait,
    )
    plan = plan_resume(find_run(run, out or RESULTS))
    how = options(
        concurrency=concurrency,
        programs=programs,
        kv_memory_mb=kv_memory_mb,
        max_samples=max_samples,
        threads=threads,
        max_failures=max_failures,
        request_seconds=request_seconds,
        vllm=vllm,
        fleet=fleet,
    )
    return finish(plan, how)
