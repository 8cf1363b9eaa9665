"""A synthesis on Ray workers: trees grow where the engines are, shards are written here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from harness.distributed import Workers, open_fleet
from harness.distributed_cluster import connected
from harness.distributed_run import EngineJob, model_hashes, on_all_gpus
from harness.engines import Resources, open_engines
from harness.remote import Fleet
from harness.retrying import Engines
from harness.spec import RunSpec
from harness.synthesis import guides_of
from rstar.journal import Journal
from rstar.synthesis.labels import Labels
from rstar.synthesis.pools import Pooled
from rstar.synthesis.run import Grower, grow
from rstar.synthesis.settings import SynthesisSpec
from rstar.synthesis.trees import ProblemTrees
from tasks.types import Grade

_Grown = tuple[ProblemTrees, Mapping[str | None, Grade]]


@dataclass(frozen=True, slots=True)
class GrowJob(EngineJob):
    """The searches of one problem with its label, which a synthesis gives to whoever guides them."""

    synthesis: SynthesisSpec

    async def do(self, engines: Engines, payload: Pooled, journal: Journal) -> _Grown:
        """The trees, and the grades of the answers in them."""
        guides = guides_of(engines, self.synthesis)
        labels = Labels(payload.problem, payload.reference, guides.grade)
        return await grow(payload, guides, labels, self.synthesis, journal), dict(labels.grades)


@contextmanager
def open_growers(
    engine_spec: RunSpec, spec: SynthesisSpec, resources: Resources, fleet: Fleet, capacity: int
) -> Iterator[Grower]:
    """A function that grows one problem's trees on some worker of `fleet`, which ends with the block.

    Raises InputError where there is no cluster, too small a one, or engines that do not open.
    """
    models = model_hashes(engine_spec, spec.identities["policy_sha256"], spec.identities["ppm_sha256"])
    job = GrowJob(engine_spec, on_all_gpus(engine_spec, resources, fleet), models, open_engines, spec)
    with connected(fleet, engine_spec.device) as cluster, open_fleet(job, fleet, cluster, capacity) as workers:
        asyncio.run(workers.start())
        yield _grower(workers, spec)


def _grower(workers: Workers, spec: SynthesisSpec) -> Grower:
    async def grown(pooled: Pooled, labels: Labels, journal: Journal) -> ProblemTrees:
        row: ProblemTrees
        row, grades = await workers.do(pooled.problem.id, spec.sha256, pooled, journal)
        labels.learn(grades)
        return row

    return grown
