"""What the vLLM engines may use of a machine, and what that makes of vLLM's own arguments. Imports no vLLM."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from tasks.types import InputError

Platform = Literal["cpu", "cuda"]
Use = Literal["policy", "reward"]

ALONE = 0.9
"""Share of a GPU's memory for the only model on it: vLLM's own default of `gpu_memory_utilization`."""
SHARED = 0.45
"""The same for a policy and for a reward model that share a GPU: half of `ALONE` each. Chosen, not tuned."""
CPU_BLOCK = 32
"""Tokens of a block of the prefix cache on a CPU: the least that vLLM 0.32's CPU attention takes (16 was refused)."""
BATCHED_TOKENS = 8192
"""Prompt tokens of one step where prompts are not cut into chunks. Chosen, not tuned."""
MAX_RESTARTS = 3
"""Deaths of an engine in a row, without an answer in between, after which it is given up. Chosen, not tuned."""


@dataclass(frozen=True, slots=True)
class VllmSettings:
    """How policy and reward model share the machine. None of it is part of a result.

    Raises InputError, naming the setting, for a value out of range.
    """

    tensor_parallel: int = 1
    """GPUs over which the policy is spread."""
    ppm_tensor_parallel: int = 1
    """The same for reward models."""
    ppm_device: str = ""
    """Where reward models run, e.g. `cuda:1`; empty: where the policy does."""
    gpu_memory: float | None = None
    """Share of each of its GPUs' memory for the policy, weights included; None: 0.9 alone on it, else 0.45."""
    ppm_gpu_memory: float | None = None
    """The same for each reward model."""
    eager: bool | None = None
    """No CUDA graphs: starts sooner, runs slower. None: graphs on a GPU, none on a CPU."""
    logprobs: bool = False
    """Log-probabilities of the candidates also for a search that reads none; they cost speed."""
    restarts: int = MAX_RESTARTS
    """Deaths of an engine in a row after which it is given up."""

    def __post_init__(self) -> None:
        for name in ("tensor_parallel", "ppm_tensor_parallel"):
            if getattr(self, name) < 1:
                raise InputError(f"vllm setting {name} = {getattr(self, name)} is less than 1")
        if self.restarts < 0:
            raise InputError(f"vllm setting restarts = {self.restarts} is less than 0")
        for name in ("gpu_memory", "ppm_gpu_memory"):
            share = getattr(self, name)
            if share is not None and not 0 < share <= 1:
                raise InputError(f"vllm setting {name} = {share} is no share of a GPU's memory; use e.g. 0.45")

    def memory_share(self, use: Use, *, is_shared: bool) -> float:
        """Share of a GPU's memory for one model; `is_shared` says whether another model of ours is on that GPU."""
        given = self.gpu_memory if use == "policy" else self.ppm_gpu_memory
        if given is not None:
            return given
        other = self.ppm_gpu_memory if use == "policy" else self.gpu_memory
        if not is_shared:
            return ALONE
        return SHARED if other is None else max(round(ALONE - other, 3), 0.01)


def read_settings(texts: Sequence[str] | Mapping[str, Any]) -> VllmSettings:
    """The settings of `NAME=VALUE` texts, or of a mapping. Raises InputError for an unknown name or a wrong value."""
    pairs = texts.items() if isinstance(texts, Mapping) else map(_pair, texts)
    return VllmSettings(**{name: _value(name, value) for name, value in pairs})


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark or not value:
        raise InputError(f"--vllm {text}: is no setting; write NAME=VALUE, e.g. --vllm gpu_memory=0.45")
    return name, value


def _value(name: str, value: Any) -> Any:
    known = {each.name: str(each.type) for each in fields(VllmSettings)}
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        raise InputError(f"vllm setting {name!r} is unknown; use {near[0] if near else ', '.join(known)}")
    kind = known[name].split(" ")[0]
    try:
        if kind == "bool":
            return {"true": True, "false": False}[str(value).lower()]
        return {"int": int, "float": float, "str": str}[kind](value)
    except (ValueError, KeyError, TypeError):
        words = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}[kind]
        raise InputError(f"vllm setting {name}: {value!r} is not {words}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One model as it is to be served."""

    folder: str
    use: Use
    platform: Platform
    dtype: str
    max_context_tokens: int
    max_samples: int
    """Sequences at once."""
    kv_bytes: int | None
    """Memory for keys and values; None: on a GPU what its share leaves, on a CPU 1 GiB."""
    memory_share: float
    tensor_parallel: int = 1
    eager: bool | None = None


CPU_KV_BYTES = 1 << 30
"""For keys and values on a CPU, as in `rstar.engines.transformers`."""


def engine_arguments(load: Load) -> dict[str, Any]:
    """The arguments of `vllm.engine.arg_utils.AsyncEngineArgs` for a model."""
    is_cpu = load.platform == "cpu"
    arguments: dict[str, Any] = {
        "model": load.folder,
        "dtype": {"auto": "float32" if is_cpu else "auto"}.get(load.dtype, load.dtype),
        "max_model_len": load.max_context_tokens,
        "max_num_seqs": load.max_samples,
        "enable_prefix_caching": True,
        "enforce_eager": is_cpu if load.eager is None else load.eager,
        "tensor_parallel_size": load.tensor_parallel,
        # Sampling follows the request alone, not defaults in the model's folder.
        "generation_config": "vllm",
        "disable_log_stats": True,
    }
    kv_bytes = CPU_KV_BYTES if load.kv_bytes is None and is_cpu else load.kv_bytes
    if kv_bytes is not None:
        arguments["kv_cache_memory_bytes"] = kv_bytes
    if load.use == "reward":
        arguments["runner"] = "pooling"
    if not is_cpu:
        return arguments | {"gpu_memory_utilization": load.memory_share}
    # A seed of a request's own and prompts in chunks crash vLLM 0.32 on a CPU ("CPU Generator does not use offset").
    return arguments | {
        "block_size": CPU_BLOCK,
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(BATCHED_TOKENS, load.max_context_tokens),
        "distributed_executor_backend": "uni",
    }


def environment(platform: Platform, device: str, tensor_parallel: int, known: Mapping[str, str]) -> dict[str, str]:
    """The variables that the process of an engine needs beside those of this one, `known`.

    Raises InputError for a device number that `CUDA_VISIBLE_DEVICES` does not have.
    """
    changes = {"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1", "VLLM_WORKER_MULTIPROC_METHOD": "spawn"}
    if platform == "cpu":
        # One process and one thread for each engine: what else there is to do needs the cores.
        changes |= {
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "OMP_NUM_THREADS": known.get("OMP_NUM_THREADS", "1"),
        }
        return changes
    first = device_number(device)
    if first is None:
        return changes
    visible = [each for each in known.get("CUDA_VISIBLE_DEVICES", "").split(",") if each]
    numbers = range(first, first + tensor_parallel)
    if visible and numbers[-1] >= len(visible):
        raise InputError(
            f"device {device} with {tensor_parallel} GPUs: CUDA_VISIBLE_DEVICES has {len(visible)}; name fewer"
        )
    chosen = [visible[number] if visible else str(number) for number in numbers]
    return changes | {"CUDA_VISIBLE_DEVICES": ",".join(chosen)}


def device_number(device: str) -> int | None:
    """N of `cuda:N`; None where the device names no number. Raises InputError for a device that is none."""
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (number and (kind != "cuda" or not number.isdecimal())):
        raise InputError(f"device {device!r} is unknown; use auto, cpu, cuda or cuda:N")
    return int(number) if number else None
