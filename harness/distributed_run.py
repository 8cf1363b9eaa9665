"""The searches of a run on Ray workers: the same records as from one process, whichever machine searched what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from harness.distributed import Workers, open_fleet
from harness.distributed_cluster import connected
from harness.distributed_worker import Facts, programs_at_a_time
from harness.engines import Resources
from harness.provenance import device_name
from harness.remote import Fleet, RemoteSearch
from harness.retrying import Engines, Meter
from harness.run import Options, sandbox_level, search
from harness.run_inputs import RunInputs, identity, model_fingerprint
from harness.spec import NO_REWARD, RunSpec
from rstar.engines.vllm_settings import VllmSettings
from rstar.journal import Journal
from rstar.search.tree import dissolve
from rstar.types import SearchResult
from tasks.types import InputError, Problem


@dataclass(frozen=True, slots=True)
class EngineJob:
    """The engines of a spec, opened in a worker. What is done with them is up to who is derived from this."""

    spec: RunSpec
    resources: Resources
    sha256: tuple[tuple[str, str, str], ...]
    """(role, name, hash) of each model: a worker whose files differ is refused."""
    make_engines: Callable[..., Any]

    def enter(self, stack: ExitStack, share: int) -> Engines:
        """Check that the models are those of the run, and open them."""
        for role, name, sha256 in self.sha256:
            if model_fingerprint(name, role) != sha256:
                raise InputError(f"--{role} {name}: a worker has another model there than the process that began")
        programs = programs_at_a_time(self.resources.num_workers, share)
        engines: Engines = stack.enter_context(
            self.make_engines(self.spec, replace(self.resources, num_workers=programs))
        )
        return engines

    async def facts(self, engines: Engines) -> Facts:
        """Device, sandbox and settings of this worker."""
        sandbox = await sandbox_level(engines)
        return Facts(device_name(self.spec.device), sandbox, dict(engines.settings))

    def meter(self, engines: Engines) -> Meter:
        """A copy, for it goes on counting."""
        return replace(engines.meter)

    def counters(self, engines: Engines) -> dict[str, dict[str, Any]]:
        """What each engine counts of itself."""
        return {role: dict(count()) for role, count in engines.counters.items()}


@dataclass(frozen=True, slots=True)
class SearchJob(EngineJob):
    """A run's search."""

    async def do(self, engines: Engines, payload: tuple[Problem, int], journal: Journal) -> SearchResult:
        """The result without its trees, which are grown again from the journal where they are wanted."""
        problem, seed = payload
        result = await search(problem, self.spec, seed, engines, journal)
        for root in result.trees:
            dissolve(root)
        return replace(result, trees=())


class RemoteRun(RemoteSearch):
    """A run's workers, as `harness.run` sees them."""

    def __init__(self, workers: Workers, run_identity: str) -> None:
        self.workers, self.identity = workers, run_identity
        self.meter = workers.meter
        self.settings = {}

    @property
    def counters(self) -> dict[str, Callable[[], dict[str, Any]]]:
        """As `harness.retrying.Engines.counters`, by worker and role."""
        return {name: lambda found=found: found for name, found in self.workers.counters().items()}  # type: ignore[misc]

    async def start(self) -> tuple[str, str]:
        """Start all workers; device and sandbox name every kind that there is."""
        device, sandbox, self.settings = await started(self.workers)
        return device, sandbox

    async def search(self, problem: Problem, seed: int, journal: Journal) -> SearchResult:
        """The search of one problem on some worker."""
        result: SearchResult = await self.workers.do(problem.id, f"{self.identity}.{seed}", (problem, seed), journal)
        return result


@contextmanager
def open_workers(spec: RunSpec, inputs: RunInputs, options: Options) -> Iterator[RemoteRun]:
    """The workers that `options.fleet` asks for. Raises InputError where there is no cluster, or too small a one."""
    assert options.fleet is not None
    models = model_hashes(spec, inputs.policy_sha256, inputs.ppm_sha256, inputs.orm_sha256)
    job = SearchJob(spec, on_all_gpus(spec, options.resources, options.fleet), models, options.make_engines)
    with (
        connected(options.fleet, spec.device) as cluster,
        open_fleet(job, options.fleet, cluster, options.concurrency) as workers,
    ):
        yield RemoteRun(workers, identity(spec, inputs))


def on_all_gpus(spec: RunSpec, resources: Resources, fleet: Fleet) -> Resources:
    """Spread the models over a worker's GPUs, where it has several and nothing else was asked for."""
    num_gpus = int(fleet.gpus_per_worker or 1)
    if spec.engine != "vllm" or num_gpus == 1 or resources.vllm is not None:
        return resources
    return replace(resources, vllm=VllmSettings(tensor_parallel=num_gpus, ppm_tensor_parallel=num_gpus))


async def started(workers: Workers) -> tuple[str, str, dict[str, Any]]:
    """Start the workers; device, sandbox and, for the record, what they run with."""
    await workers.start()
    facts = workers.facts
    settings = dict(facts[0].settings) | {
        "workers": workers.fleet.num_workers,
        "nodes": sorted({each.node for each in facts}),
        "gpus_per_worker": workers.cluster.gpus,
    }
    return _kinds([each.device for each in facts]), _kinds([each.sandbox for each in facts]), settings


def model_hashes(spec: RunSpec, policy: str, ppm: str, orm: str = "") -> tuple[tuple[str, str, str], ...]:
    """(role, name, hash) of the models that a spec uses."""
    known = (("policy", spec.policy, policy), ("ppm", spec.ppm, ppm), ("orm", spec.orm, orm))
    return tuple(each for each in known if each[1] != NO_REWARD)


def _kinds(names: list[str]) -> str:
    return ", ".join(sorted(set(names)))
