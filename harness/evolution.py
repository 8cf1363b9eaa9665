"""An evolution from its first stage to its last report: rounds, an evaluation after each, and a gate between them.

The stages are `rstar.evolution`'s; what an evaluation is, and whether a round was worse than the one before, is decided
here. Everything that is done is kept, so resume is the same call again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.atomic_file import atomic_text
from harness.engines import Resources, open_engines
from harness.evolution_runs import Evaluations
from harness.paired import Comparison, compare, outcomes
from harness.retrying import EngineFailure, Engines
from harness.run_folder import EVOLUTION_FILE
from harness.spec import NO_REWARD, RunSpec
from harness.spec_fields import make_spec
from rstar.engines.vllm_settings import read_settings
from rstar.evolution.manifest import write_manifest
from rstar.evolution.rounds import Evolution, Guiding, Models
from rstar.evolution.settings import EvolutionSettings
from rstar.synthesis.run import Guides
from rstar.training.stages import Stages
from tasks.answers import GRADER_VERSION
from tasks.types import InputError

GATE_FILE, RUNS = "gate.json", "runs"


@dataclass(frozen=True, slots=True)
class Gate:
    """A round against the one before, on the same problems."""

    number: int
    comparison: Comparison
    is_worse: bool
    """Significantly, by McNemar's exact test at the settings' level."""

    @property
    def line(self) -> str:
        """What it says, in one line."""
        found = self.comparison
        return (
            f"round {self.number} against {'the base' if self.number == 1 else f'round {self.number - 1}'}: "
            f"{found.points:+.1f} points over {found.num_problems} problems ({found.num_gained} gained, "
            f"{found.num_lost} lost, p = {found.p_value:.3g})"
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where an evolution ended."""

    manifest: dict[str, Any]
    gates: list[Gate]

    @property
    def stopped_by(self) -> Gate | None:
        """The gate that ended it; None where all rounds were done."""
        return next((gate for gate in self.gates if gate.is_worse), None)


def evolve(settings: EvolutionSettings, out: Path, say: Callable[[str], Any], *, force: bool = False) -> Outcome:
    """Do what is left of an evolution in `out`; a gate that says "worse" ends it unless `force`.

    Raises InputError where `out` holds another evolution, is in use, or something that the settings name is missing.
    """
    with _locked(out):
        _remember(out, settings)
        stages = Stages(out, {"seed": settings.seed}, say)
        evolution = Evolution(settings, stages, _opener(settings), _identities(settings), (EngineFailure,))
        evaluations = Evaluations(settings, out / RUNS, say, interpreting(settings))
        return _rounds(evolution, evaluations, say, force=force)


def _rounds(evolution: Evolution, evaluations: Evaluations, say: Callable[[str], Any], *, force: bool) -> Outcome:
    from harness.evolution_report import write_report
    from rstar.evolution.ablations import ablate

    settings, out = evolution.settings, evolution.out
    base, before, gates = evolution.base(), None, list[Gate]()
    found = write_manifest(out, settings)
    greedy = evaluations.greedy("base", base)
    for number in range(1, len(settings.rounds) + 1):
        models: Models = evolution.round(number, base, before)
        found = write_manifest(out, settings)
        now = evaluations.round(number, models, out / "policy-1")
        if greedy is not None and now is not None:
            gates.append(gate(number, greedy, now, settings.evaluation.alpha))
            _write(out / GATE_FILE, [asdict(each) for each in gates])
            say(gates[-1].line)
        write_report(out, settings, evaluations, gates)
        if gates and gates[-1].is_worse and not force:
            say(f"stopped: {gates[-1].line}; --force goes on all the same")
            return Outcome(found, gates)
        before, greedy = models, now
    assert before is not None, "settings have at least one round"
    for name in settings.ablations:
        evaluations.ablation(name, ablate(evolution, name, base, before), before)
    found = write_manifest(out, settings)
    write_report(out, settings, evaluations, gates)
    return Outcome(found, gates)


def gate(number: int, before: Path, now: Path, alpha: float) -> Gate:
    """Compare the greedy runs of a round and of the one before, problem by problem."""
    comparison = compare(outcomes(before, "majority", 1), outcomes(now, "majority", 1))
    return Gate(number, comparison, comparison.points < 0 and comparison.p_value < alpha)


def interpreting(settings: EvolutionSettings) -> Callable[..., Any]:
    """What opens the engines of a run's spec, with the interpreter that the settings name."""

    @contextmanager
    def opened(spec: RunSpec, resources: Resources | None = None) -> Iterator[Engines]:
        if settings.vllm:
            resources = replace(resources or Resources(), vllm=read_settings(settings.vllm))
        if settings.interpreter == "sandbox":
            with open_engines(spec, resources) as engines:
                yield engines
            return
        from rstar.synthesis.walker import Walker

        # `arithmetic` starts no process; the walker takes its place.
        with open_engines(replace(spec, interpreter="arithmetic"), resources) as engines:
            yield replace(engines, interpreter=Walker())

    return opened


def _opener(settings: EvolutionSettings) -> Callable[[Guiding], Any]:
    @contextmanager
    def opened(guiding: Guiding) -> Iterator[Guides]:
        spec = make_spec(
            {
                "task": "procedural",  # not used: engines know no task
                "method": "mcts" if guiding.ppm else "sample",
                "policy": str(guiding.policy),
                "ppm": str(guiding.ppm) if guiding.ppm else NO_REWARD,
                "layout": guiding.layout,
                "device": settings.device,
                "dtype": settings.dtype,
                "engine": settings.engine,
                "max_new_tokens": settings.max_new_tokens,
            }
        )
        with interpreting(settings)(spec) as engines:
            yield Guides(engines, engines, engines if guiding.ppm else None)

    return opened


def _identities(settings: EvolutionSettings) -> dict[str, str]:
    return {"grader_version": GRADER_VERSION, "interpreter": settings.interpreter, "dtype": settings.dtype}


def _remember(out: Path, settings: EvolutionSettings) -> None:
    """Note whose folder this is. Raises InputError where it is another evolution's."""
    path = out / EVOLUTION_FILE
    if path.exists():
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: is damaged ({error}); restore it, or name another folder with --out") from error
        if known != settings.content():
            changed = sorted(name for name, value in settings.content().items() if known.get(name) != value)
            raise InputError(
                f"{out}: holds an evolution with other {', '.join(changed)}; use its settings, or name another folder "
                "with --out"
            )
        return
    _write(path, settings.content())


def _write(path: Path, content: Any) -> None:
    with atomic_text(path) as file:
        file.write(json.dumps(content, indent=2) + "\n")


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Keep every other evolution out of the folder for the block."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(out / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise InputError(f"{out}: cannot be made ({error.strerror}); name another folder with --out") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise InputError(f"{out}: is in use by another evolution; wait for it, or stop it") from None
    finally:
        os.close(descriptor)
