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
from harness.served_engines import reward_layout, served_policy, served_reward
from harness.spec import NO_REWARD, RunSpec
from harness.vllm_engines import Counters, open_policy, open_ppm
from rstar.engines.server_address import is_address
from rstar.engines.vllm_settings import VllmSettings
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
    request_seconds: int | None = None
    """That a server may take for one request; None: 600."""
    vllm: VllmSettings | None = None
    """How the vLLM engines share the machine; None: their defaults."""


@contextmanager
def open_engines(spec: RunSpec, resources: Resources | None = None) -> Iterator[Engines]:
    """The engines of `spec`, ended with the block.

    Raises InputError where a model does not serve, a setting is out of range or a package is missing.
    """
    resources = resources or Resources()
    with ExitStack() as stack:
        counters: Counters = {}
        opened = _OPENERS[spec.engine](spec, resources, stack, counters)
        policy, reward, settings = opened
        interpreter = _interpreter(spec, stack, resources.num_workers)
        yield Engines(policy, reward, interpreter, Meter(), settings=settings, counters=counters)


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


def _scripted(spec: RunSpec, _resources: Resources, _stack: ExitStack, _counters: Counters) -> _Opened:
    from rstar.engines.scripted import ScriptedPolicy, ScriptedReward

    policy = load_source(model_path(spec.policy, "policy"))

    def load(name: str, role: str) -> RewardModel:
        return ScriptedReward(policy if name == spec.policy else load_source(model_path(name, role)))

    return ScriptedPolicy(policy), _reward(spec, load), {}


def _transformers(spec: RunSpec, resources: Resources, stack: ExitStack, _counters: Counters) -> _Opened:
    _check_transformers("--engine transformers")
    from rstar.engines.loading import use_threads
    from rstar.engines.transformers import MAX_SAMPLES, TransformersPolicy

    policy = stack.enter_context(
        TransformersPolicy.load(
            model_path(spec.policy, "policy"),
            layout=spec.layout,
            chat_template=spec.chat_template,
            max_new_tokens=spec.max_new_tokens,
            max_samples=resources.max_samples or MAX_SAMPLES,
            top_p=spec.top_p,
            top_k=spec.sampling_top_k,
            **_common(spec, resources),
        )
    )
    models = [policy.model]
    reward, settings = _judges(spec, resources, stack, models)
    threads = stack.enter_context(use_threads(models, resources.threads))
    return policy, reward, {"threads": threads, **policy.settings(), **settings}


def _server(spec: RunSpec, resources: Resources, stack: ExitStack, counters: Counters) -> _Opened:
    policy = served_policy(spec, stack, resources.max_samples, resources.request_seconds)
    counters["policy"] = policy.link.counters
    models: list[Any] = []
    reward, settings = _judges(spec, resources, stack, models)
    if models:
        from rstar.engines.loading import use_threads

        settings = {"threads": stack.enter_context(use_threads(models, resources.threads)), **settings}
    return policy, reward, {**policy.settings(), **settings}


def _vllm(spec: RunSpec, resources: Resources, stack: ExitStack, counters: Counters) -> _Opened:
    chosen, common = resources.vllm or VllmSettings(), _common(spec, resources)
    policy = open_policy(spec, chosen, stack, counters, max_samples=resources.max_samples, kv_bytes=common["kv_bytes"])
    common["layout"] = reward_layout(spec)

    def on_vllm(folder: Path, role: str) -> RewardModel | None:
        return open_ppm(folder, role, spec, chosen, stack, counters, **common)

    models: list[Any] = []
    reward, settings = _judges(spec, resources, stack, models, on_vllm)
    return policy, reward, {**policy.settings(), **settings}


def _judges(
    spec: RunSpec,
    resources: Resources,
    stack: ExitStack,
    models: list[Any],
    first: Callable[[Path, str], RewardModel | None] = lambda _folder, _role: None,
) -> tuple[RewardModel, dict[str, Any]]:
    """The reward of `spec` from servers and from folders, and what the servers say; models in folders are added.

    `first` is asked for the one in a folder before transformers is; None: it does not serve that.
    """
    settings: dict[str, Any] = {}

    def load(name: str, role: str) -> RewardModel:
        if is_address(name):
            served = served_reward(spec, name, role, stack, resources.request_seconds)
            settings[f"{role}_server"] = served.settings()
            return served
        _check_transformers(f"--{role} {name}")
        opened = first(model_path(name, role), role)
        if opened is not None:
            return opened
        from rstar.reward.prm_formats import open_reward

        chosen = spec.ppm_format if role == "ppm" else "auto"
        common = _common(spec, resources) | {"layout": reward_layout(spec)}
        reward = stack.enter_context(open_reward(model_path(name, role), chosen, **common))
        models.append(reward.model)
        return reward

    return _reward(spec, load), settings


def _common(spec: RunSpec, resources: Resources) -> dict[str, Any]:
    """What every model loaded here is told."""
    return {
        "device": spec.device,
        "dtype": spec.dtype,
        "max_context_tokens": spec.max_context_tokens,
        "kv_bytes": None if resources.kv_memory_mb is None else resources.kv_memory_mb << 20,
    }


def _check_transformers(asked: str) -> None:
    for package in ("torch", "transformers"):
        if importlib.util.find_spec(package) is None:
            raise InputError(f"{asked} needs the package {package}; install it with pip install 'rstar-bench[search]'")


_OPENERS: Mapping[str, Callable[[RunSpec, Resources, ExitStack, Counters], _Opened]] = {
    "transformers": _transformers,
    "vllm": _vllm,
    "scripted": _scripted,
    "server": _server,
}


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
