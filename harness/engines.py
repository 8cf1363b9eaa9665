"""Policy, reward model and interpreter of a spec. Heavy packages are imported only for the engine that is asked for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from harness.retrying import Engines, Meter
from harness.run_inputs import model_path
from harness.spec import NO_REWARD, RunSpec
from rstar.protocols import Interpreter, Policy, RewardModel
from rstar.reward.outcome import StepsAndEnds
from rstar.types import Scores, Trajectory
from tasks.types import InputError

_Opened = tuple[Policy, RewardModel, Mapping[str, Any]]
"""Policy, reward, and what they run with."""
_SOURCE_FUNCTIONS = ("candidates", "score", "count_tokens")


class NoReward:
    """Stands where a run has no reward model. The only rule of such a run is a majority vote, which reads no value."""

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """0 for each, read by nobody."""
        return Scores((0.0,) * len(trajectories), 0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class Resources:
    """What the engines may use. None is part of a result, but for the last bits of sums in floating point."""

    num_workers: int | None = None
    """Programs executed at a time; None: one per core."""
    kv_memory_mb: int | None = None
    """MiB for keys and values, for each model; None: 1,024 on a CPU, 0.4 of what is free on a GPU."""
    max_samples: int | None = None
    """Candidates that the policy writes at once; None: 512."""
    threads: int | None = None
    """Torch threads on a CPU; None: one for small models, else as many as torch takes."""


@contextmanager
def open_engines(spec: RunSpec, resources: Resources | None = None) -> Iterator[Engines]:
    """The engines of `spec`, ended with the block.

    Raises InputError where a model does not serve, a setting is out of range or a package is missing.
    """
    resources = resources or Resources()
    with ExitStack() as stack:
        opened = _scripted(spec) if spec.engine == "scripted" else _transformers(spec, resources, stack)
        policy, reward, settings = opened
        interpreter = _interpreter(spec, stack, resources.num_workers)
        yield Engines(policy, reward, interpreter, Meter(), settings=settings)


def load_source(path: Path) -> Any:
    """The Python file of a scripted engine, as a module. Raises InputError where it is none."""
    spec = importlib.util.spec_from_file_location(f"rstar_scripted_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(f"{path}: is no Python file; a scripted engine is one with {', '.join(_SOURCE_FUNCTIONS)}")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (OSError, SyntaxError, ImportError, ValueError) as error:
        raise InputError(f"{path}: does not load: {type(error).__name__}: {error}; mend the file") from error
    missing = [name for name in _SOURCE_FUNCTIONS if not callable(getattr(module, name, None))]
    if missing:
        raise InputError(f"{path}: has no function {missing[0]}; see rstar.engines.scripted.StepSource")
    return module


def _reward(spec: RunSpec, load: Callable[[str, str], RewardModel]) -> RewardModel:
    """What judges: the PPM all, an ORM alone all, both together the PPM the steps and the ORM the ends.

    `load` makes a reward model of its name and its role.
    """
    if not spec.has_reward:
        return NoReward()
    if spec.orm == NO_REWARD:
        return load(spec.ppm, "ppm")
    ends = load(spec.orm, "orm")
    return ends if spec.ppm == NO_REWARD else StepsAndEnds(load(spec.ppm, "ppm"), ends)


def _scripted(spec: RunSpec) -> _Opened:
    from rstar.engines.scripted import ScriptedPolicy, ScriptedReward

    policy = load_source(model_path(spec.policy, "policy"))

    def load(name: str, role: str) -> RewardModel:
        return ScriptedReward(policy if name == spec.policy else load_source(model_path(name, role)))

    return ScriptedPolicy(policy), _reward(spec, load), {}


def _transformers(spec: RunSpec, resources: Resources, stack: ExitStack) -> _Opened:
    for package in ("torch", "transformers"):
        if importlib.util.find_spec(package) is None:
            raise InputError(
                f"--engine transformers needs the package {package}; install it with pip install 'rstar-bench[search]'"
            )
    from rstar.engines.loading import use_threads
    from rstar.engines.transformers import MAX_SAMPLES, TransformersPolicy
    from rstar.reward.ppm import TransformersPPM

    common: dict[str, Any] = {
        "device": spec.device,
        "dtype": spec.dtype,
        "layout": spec.layout,
        "max_context_tokens": spec.max_context_tokens,
        "kv_bytes": None if resources.kv_memory_mb is None else resources.kv_memory_mb << 20,
    }
    policy = stack.enter_context(
        TransformersPolicy.load(
            model_path(spec.policy, "policy"),
            max_new_tokens=spec.max_new_tokens,
            max_samples=resources.max_samples or MAX_SAMPLES,
            top_p=spec.top_p,
            top_k=spec.sampling_top_k,
            **common,
        )
    )
    models = [policy.model]

    def load(name: str, role: str) -> RewardModel:
        reward = stack.enter_context(TransformersPPM.load(model_path(name, role), **common))
        models.append(reward.model)
        return reward

    reward = _reward(spec, load)
    threads = stack.enter_context(use_threads(models, resources.threads))
    return policy, reward, {"threads": threads, **policy.settings()}


def _interpreter(spec: RunSpec, stack: ExitStack, num_workers: int | None) -> Interpreter:
    if spec.interpreter == "arithmetic":
        from rstar.engines.arithmetic import Arithmetic
        from rstar.engines.scripted import ScriptedInterpreter

        return ScriptedInterpreter(Arithmetic())
    from rstar.interpreter import SandboxInterpreter

    return cast(
        "Interpreter",
        stack.enter_context(
            SandboxInterpreter(
                seconds=spec.step_seconds,
                memory_mb=spec.step_memory_mb,
                workers=num_workers,
                require_sandbox=spec.require_sandbox,
            )
        ),
    )
