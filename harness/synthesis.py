"""`rstar synthesize` behind its flags: check the pool, open the engines, search, and say what came of it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from harness.engines import Resources, open_engines
from harness.interruption import Interrupted, sigterm_as_sigint
from harness.remote import Fleet, require_ray
from harness.retrying import EngineFailure, Engines
from harness.run_inputs import model_fingerprint
from harness.served_models import with_names
from harness.spec import BUILTIN, NO_REWARD, RunSpec
from harness.spec_fields import make_spec
from rstar.synthesis.admission import PoolFacts, examine, tasks_against
from rstar.synthesis.folder import SynthesisFolder
from rstar.synthesis.pools import Pool, open_pool
from rstar.synthesis.run import Grower, Guides, Watched, synthesize
from rstar.synthesis.settings import SynthesisSpec, synthesis_spec
from tasks.answers import GRADER_VERSION
from tasks.overlap import OverlapIndex

PARTIAL = 1
LINE_SECONDS = 60.0
"""Between two plain lines in a log, as in `harness.run_progress`."""
_TTY_SECONDS = 0.5
_ENGINE_FIELDS = tuple(
    (
        "engine dtype layout chat_template top_p sampling_top_k max_new_tokens max_context_tokens interpreter "
        "step_seconds step_memory_mb"
    ).split()
)
"""Fields of a run's spec that change what engines answer, and so are part of a synthesis's identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says."""

    pool: str
    out: Path
    preset: str
    engines: Mapping[str, Any]
    search: Mapping[str, Any]
    extra: tuple[int, ...] | None
    seed: int
    against: str
    drop_test_questions: bool
    concurrency: int
    resources: Resources
    fleet: Fleet | None = None


def run_synthesis(asked: Asked, *, as_json: bool = False) -> int:
    """Do what is left of a synthesis, show its coverage, and return the exit code."""
    pool, engine_spec = open_pool(asked.pool), engines_of(asked.engines, asked.pool, asked.preset)
    facts = _facts(pool, asked)
    spec = planned(asked, engine_spec, facts)
    is_done = SynthesisFolder(asked.out, spec).is_complete()
    watched = Watched(on_change=_Progress())
    begun = time.monotonic()
    sys.stderr.write(f"{facts.num_problems:,} problems of {pool.name}, preset {spec.preset}, into {asked.out}\n")
    opened = _no_engines() if is_done else _growing(engine_spec, spec, asked)
    with sigterm_as_sigint(), opened as guides:
        try:
            synthesize(
                pool,
                facts,
                guides,
                spec,
                asked.out,
                concurrency=asked.concurrency * (asked.fleet.num_workers if asked.fleet else 1),
                engine_errors=(EngineFailure,),
                watched=watched,
            )
        except KeyboardInterrupt as stop:
            done, total = watched.coverage.num_problems, watched.total
            sys.stderr.write(
                f"stopped after {done:,} of {total:,} problems; nothing is lost: the same command goes on\n"
            )
            raise Interrupted from stop
    _show(watched, facts, asked.out, time.monotonic() - begun, as_json=as_json)
    return PARTIAL if watched.failures else 0


@contextmanager
def _no_engines() -> Iterator[Any]:
    """Stands where nothing is left to ask an engine."""
    yield Guides(None, None)  # type: ignore[arg-type]


@contextmanager
def _growing(engine_spec: RunSpec, spec: SynthesisSpec, asked: Asked) -> Iterator[Guides | Grower]:
    """What grows the trees: the engines of this process, or workers with engines."""
    resources = asked.resources
    if asked.fleet is None:
        with open_engines(engine_spec, resources) as engines:
            yield guides_of(engines, spec)
        return
    require_ray()
    from harness.distributed_synthesis import open_growers

    with open_growers(engine_spec, spec, resources, asked.fleet, asked.concurrency) as grower:
        yield grower


def guides_of(engines: Engines, spec: SynthesisSpec) -> Guides:
    """The engines as a search with labels uses them."""
    return Guides(engines, engines, engines if spec.is_ppm_augmented else None)


def engines_of(fields: Mapping[str, Any], pool: str, preset: str) -> RunSpec:
    """The engines of a synthesis as a run's spec, whose search is not used."""
    known = dict(fields)
    if "layout" not in known and preset == "bootstrap" and known.get("policy") != BUILTIN:
        known["layout"] = "bootstrap"
    # Any search that needs no reward model: a synthesis without a PPM has none.
    return make_spec(with_names({"task": pool, "method": "sample", "ppm": NO_REWARD} | known))


def planned(asked: Asked, engines: RunSpec, facts: PoolFacts) -> SynthesisSpec:
    """The spec of the synthesis. Raises InputError where preset and PPM do not go together."""
    has_ppm = engines.ppm != NO_REWARD
    identities = {name: str(getattr(engines, name)) for name in _ENGINE_FIELDS if hasattr(engines, name)} | {
        "pool_sha256": facts.sha256,
        "policy_sha256": model_fingerprint(engines.policy, "policy"),
        "ppm_sha256": model_fingerprint(engines.ppm, "ppm") if has_ppm else "",
        "grader_version": GRADER_VERSION,
        "left_out": str(len(facts.left_out)),
    }
    return synthesis_spec(
        asked.preset,
        has_ppm=has_ppm,
        overrides=asked.search,
        extra=asked.extra,
        seed=asked.seed,
        identities=identities,
    )


def _facts(pool: Pool, asked: Asked) -> PoolFacts:
    """What the pool holds; raises InputError for a repeated id or a test question."""
    index = OverlapIndex(tasks_against(pool, asked.against))
    is_shown = sys.stderr.isatty()

    def show(count: int) -> None:
        if is_shown and count % 5_000 == 0:
            sys.stderr.write(f"\r{count:,} problems checked")

    facts = examine(pool, index, drop_test_questions=asked.drop_test_questions, on_row=show)
    if is_shown:
        sys.stderr.write("\r\x1b[K")
    if facts.left_out:
        sys.stderr.write(f"{len(facts.left_out):,} problems hold test questions and are left out\n")
    return facts


@dataclass(slots=True)
class _Progress:
    """A line on a terminal that is written over, elsewhere one a minute."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    begun: float = field(default_factory=time.monotonic)
    shown: float = field(default_factory=time.monotonic)

    def __call__(self, watched: Watched) -> None:
        """Show the counts, if it is time."""
        now, is_tty = time.monotonic(), self.stream.isatty()
        if now - self.shown < (_TTY_SECONDS if is_tty else LINE_SECONDS):
            return
        self.shown = now
        text = progress_line(watched, now - self.begun)
        self.stream.write(f"\r\x1b[K{text}" if is_tty else f"{text}\n")
        self.stream.flush()


def progress_line(watched: Watched, seconds: float) -> str:
    """The counts in one line, with the speed of this session."""
    rate = watched.num_new / max(seconds, 1e-9)
    left = (watched.total - watched.coverage.num_problems) / rate if rate else 0.0
    return (
        f"{watched.coverage.num_problems:,}/{watched.total:,} problems  {watched.coverage.solved:.1%} solved  "
        f"{watched.num_nodes / max(seconds, 1e-9):,.0f} nodes/s  time left {left / 60:.0f} min"
    )


def _show(watched: Watched, facts: PoolFacts, out: Path, seconds: float, *, as_json: bool) -> None:
    coverage = watched.coverage.as_fields()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    if as_json:
        more = {"failures": watched.failures, "num_grader_errors": watched.num_grader_errors, "seconds": seconds}
        sys.stdout.write(json.dumps(coverage | more) + "\n")
        return
    sys.stdout.write("\n".join(summary_lines(coverage)) + "\n")
    if facts.left_out:
        sys.stdout.write(f"left out: {len(facts.left_out):,} problems that hold test questions\n")
    if watched.num_grader_errors:
        sys.stdout.write(f"the grader failed on {watched.num_grader_errors:,} answers, which count as wrong\n")
    if watched.stopped:
        sys.stdout.write(f"stopped: {watched.stopped}\n")
    if watched.failures:
        first, why = next(iter(watched.failures.items()))
        sys.stdout.write(
            f"{len(watched.failures):,} problems failed (first {first}: {why}); the same command goes on\n"
        )
    sys.stdout.write(f"{watched.num_new:,} problems in {seconds:.0f} s. Shards in {out}\n")
    sys.stdout.write(f"Next: rstar synthesize extract {out} --sft sft.jsonl --pairs pairs.jsonl\n")


def summary_lines(coverage: Mapping[str, Any]) -> list[str]:
    """Coverage by level and by difficulty as a table."""
    lines = [f"{'level':<12}{'problems':>10}{'solved':>9}{'easy':>8}{'medium':>8}{'hard':>8}"]
    everything = {"total": coverage["num_problems"], "solved": coverage["num_solved"]} | dict(coverage["difficulty"])
    groups = coverage["by_level"]
    if list(groups) == ["-"]:
        groups = coverage["by_subject"] if len(coverage["by_subject"]) <= 20 else {}
    for name, group in [*groups.items(), ("all", everything)]:
        share = group["solved"] / group["total"] if group["total"] else 0.0
        lines.append(
            f"{name[:11]:<12}{group['total']:>10,}{share:>9.1%}{group.get('easy', 0):>8,}{group.get('medium', 0):>8,}"
            f"{group.get('hard', 0):>8,}"
        )
    right = coverage["num_right"] / coverage["num_rollouts"] if coverage["num_rollouts"] else 0.0
    lines.append(f"{coverage['num_rollouts']:,} trajectories, {right:.1%} right")
    if coverage["num_noisy"]:
        lines.append(f"{coverage['num_noisy']:,} synthetic problems with a doubtful label (less than half right)")
    return lines
