"""Accelerators by name: memory, bandwidth and speed as their makers state them. No prices: these change by the week."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from tasks.types import InputError


@dataclass(frozen=True, slots=True)
class Gpu:
    """One device. Peaks are those of the maker's data sheet, dense (without sparsity)."""

    title: str
    memory_gb: float
    """10^9 bytes."""
    bandwidth_gbs: float
    """10^9 bytes a second."""
    bf16_tflops: float
    """10^12 operations a second in bfloat16, sums in float32."""
    source: str

    @property
    def memory_bytes(self) -> float:
        """Of the device."""
        return self.memory_gb * 1e9

    @property
    def bytes_per_second(self) -> float:
        """Peak of the memory."""
        return self.bandwidth_gbs * 1e9

    @property
    def flops_per_second(self) -> float:
        """Peak in bfloat16."""
        return self.bf16_tflops * 1e12


GPUS: Mapping[str, Gpu] = {
    "a100-40": Gpu("A100 SXM 40 GB", 40, 1_555, 312, "NVIDIA A100 data sheet, nvidia-a100-datasheet-us-nvidia-1758950"),
    "a100-80": Gpu("A100 SXM 80 GB", 80, 2_039, 312, "NVIDIA A100 data sheet, nvidia-a100-datasheet-us-nvidia-1758950"),
    "h100": Gpu("H100 SXM 80 GB", 80, 3_350, 989, "NVIDIA H100 data sheet (SXM; half of the figure with sparsity)"),
    "h200": Gpu("H200 SXM 141 GB", 141, 4_800, 989, "NVIDIA H200 data sheet (half of the figure with sparsity)"),
    "b200": Gpu("B200 192 GB", 192, 8_000, 2_250, "NVIDIA Blackwell data sheet (half of the figure with sparsity)"),
    "l40s": Gpu("L40S 48 GB", 48, 864, 362, "NVIDIA L40S data sheet (half of the figure with sparsity)"),
    "mi300x": Gpu("MI300X 192 GB", 192, 5_300, 1_307, "AMD Instinct MI300X data sheet"),
    "rtx4090": Gpu("GeForce RTX 4090", 24, 1_008, 165, "NVIDIA Ada GPU architecture paper (sums in float32)"),
    "rtx3090": Gpu("GeForce RTX 3090", 24, 936, 71, "NVIDIA GA102 architecture paper (sums in float32)"),
}


def gpu(name: str) -> Gpu:
    """The device called `name`. Raises InputError for an unknown one."""
    found = GPUS.get(name.lower())
    if found is None:
        close = difflib.get_close_matches(name.lower(), GPUS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"use {', '.join(GPUS)}"
        raise InputError(f"--gpu {name} is unknown; {hint}")
    return found
