"""The engines of a spec on vLLM: the policy, and reward models of ours beside it or on another device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.run_inputs import model_path
from harness.spec import NO_REWARD, RunSpec
from rstar.engines.server_address import is_address
from rstar.engines.vllm_installed import check_version, installed_version
from rstar.engines.vllm_settings import VllmSettings, device_number
from rstar.protocols import RewardModel

if TYPE_CHECKING:
    from rstar.engines.vllm import VllmPolicy

Counters = dict[str, Callable[[], Mapping[str, Any]]]
"""Role to what says how much its engine has done."""


def open_policy(
    spec: RunSpec,
    settings: VllmSettings,
    stack: ExitStack,
    counters: Counters,
    *,
    max_samples: int | None,
    kv_bytes: int | None,
) -> VllmPolicy:
    """The policy, ended with the stack. Raises InputError for a model, a machine or a setting that does not serve."""
    check_version(installed_version())
    from rstar.engines.vllm import MAX_SAMPLES, VllmPolicy

    policy = stack.enter_context(
        VllmPolicy.load(
            model_path(spec.policy, "policy"),
            device=spec.device,
            dtype=spec.dtype,
            layout=spec.layout,
            chat_template=spec.chat_template,
            max_new_tokens=spec.max_new_tokens,
            max_context_tokens=spec.max_context_tokens,
            max_samples=max_samples or MAX_SAMPLES,
            kv_bytes=kv_bytes,
            top_k=spec.sampling_top_k,
            top_p=spec.top_p,
            with_logprobs=settings.logprobs or needs_logprobs(spec),
            settings=settings,
            is_shared=is_shared(spec, settings),
        )
    )
    counters["policy"] = policy.counters
    return policy


def open_ppm(
    folder: Path, role: str, spec: RunSpec, settings: VllmSettings, stack: ExitStack, counters: Counters, **common: Any
) -> RewardModel | None:
    """The reward model in `folder`, ended with the stack; None for one of a public family, which vLLM is not asked for.

    Raises InputError for a model, a machine or a setting that does not serve.
    """
    from rstar.reward.prm_formats import format_of
    from rstar.reward.vllm_ppm import VllmPPM
    from rstar.training.value_head import VALUE_HEAD

    chosen = spec.ppm_format if role == "ppm" else "auto"
    if chosen not in ("auto", "ppm"):
        return None
    if not (folder / VALUE_HEAD).is_file() and format_of(folder) != "ppm":
        return None
    shared = not settings.ppm_device or is_shared(spec, settings)
    reward = stack.enter_context(VllmPPM.load(folder, settings=settings, is_shared=shared, **common))
    counters[role] = reward.counters
    return reward


def needs_logprobs(spec: RunSpec) -> bool:
    """Whether the search reads the candidates' log-probabilities: its priors are made of them."""
    return getattr(spec.config, "variant", "") == "puct"


def is_shared(spec: RunSpec, settings: VllmSettings) -> bool:
    """Whether policy and a reward model of this process are on the same GPU."""
    judges = [name for name in (spec.ppm, spec.orm) if name != NO_REWARD and not is_address(name)]
    if not judges:
        return False
    if not settings.ppm_device:
        return True
    first = device_number(spec.device) or 0
    return (device_number(settings.ppm_device) or 0) in range(first, first + settings.tensor_parallel)
