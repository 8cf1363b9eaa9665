"""Policy, reward model and interpreter of a spec. Heavy packages are imported only for the engine that is asked for."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

from harness.retrying import Engines, Meter
from harness.run_inputs import model_path
from harness.spec import NO_REWARD, RunSpec
from rstar.protocols import Interpreter, Policy, RewardModel
from rstar.types import Scores, Trajectory
from tasks.types import InputError

_SOURCE_FUNCTIONS = ("candidates", "score", "count_tokens")


class NoReward:
    """Stands where a run has no reward model. The only rule of such a run is a majority vote, which reads no value."""

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """0 for each, read by nobody."""
        return Scores((0.0,) * len(trajectories), 0, 0, 0.0)


@contextmanager
def open_engines(spec: RunSpec, num_workers: int | None = None) -> Iterator[Engines]:
    """The engines of `spec`, ended with the block; `num_workers` programs run at a time (None: one per core).

    Raises InputError where a model does not serve or a package is missing.
    """
    with ExitStack() as stack:
        opened = _scripted(spec) if spec.engine == "scripted" else _transformers(spec, stack)
        yield Engines(*opened, _interpreter(spec, stack, num_workers), Meter())


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


def _scripted(spec: RunSpec) -> tuple[Policy, RewardModel]:
    from rstar.engines.scripted import ScriptedPolicy, ScriptedReward

    policy = load_source(model_path(spec.policy, "policy"))
    if spec.ppm == NO_REWARD:
        return ScriptedPolicy(policy), NoReward()
    reward = policy if spec.ppm == spec.policy else load_source(model_path(spec.ppm, "ppm"))
    return ScriptedPolicy(policy), ScriptedReward(reward)


def _transformers(spec: RunSpec, stack: ExitStack) -> tuple[Policy, RewardModel]:
    for package in ("torch", "transformers"):
        if importlib.util.find_spec(package) is None:
            raise InputError(
                f"--engine transformers needs the package {package}; install it with pip install 'rstar-bench[search]'"
            )
    from rstar.engines.transformers import TransformersPolicy
    from rstar.reward.ppm import TransformersPPM

    settings: dict[str, Any] = {
        "device": spec.device,
        "dtype": spec.dtype,
        "layout": spec.layout,
        "max_context_tokens": spec.max_context_tokens,
    }
    policy = stack.enter_context(
        TransformersPolicy.load(model_path(spec.policy, "policy"), max_new_tokens=spec.max_new_tokens, **settings)
    )
    if spec.ppm == NO_REWARD:
        return policy, NoReward()
    return policy, stack.enter_context(TransformersPPM.load(model_path(spec.ppm, "ppm"), **settings))


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
