"""How many parameters a saved model multiplies with, read from the headers of its weight files alone."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from harness.run_inputs import fingerprint, model_path
from tasks.types import InputError

_TABLE = re.compile(r"(?:^|\.)(?:embed_tokens|word_embeddings|embed_in|wte|wpe|embed_positions)\.weight$")
"""Input tables of the common architectures: rows are looked up, so they cost no multiplication."""
_HEADS = re.compile(r"(?:^|\.)(?:lm_head|embed_out|score|value_head|v_head|classifier)\.")
_MOST_HEADER_BYTES = 100_000_000
"""The format's own limit: github.com/huggingface/safetensors, README."""
_MOST_CHECKED_BYTES = 2 << 30
"""Weights up to this size are compared with the hash of the run; more would take minutes. Chosen, not tuned."""
_UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


def num_parameters(folder: Path) -> int | None:
    """The parameters of the model in `folder` that a token is multiplied with; None without safetensors files.

    The input embedding is left out, for it is a table. Where it also serves as the output layer (no head among the
    weights) it is counted, once. Nothing but the files' headers is read.
    """
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    sizes: dict[str, int] = {}
    for file in files:
        found = _tensor_sizes(file)
        if found is None:
            return None
        sizes |= found
    if not sizes:
        return None
    has_head = any(_HEADS.search(name) for name in sizes)
    return sum(size for name, size in sizes.items() if not (has_head and _TABLE.search(name)))


def size_of_run_model(name: str, role: str, sha256: str) -> tuple[int | None, str]:
    """The size of the model `name` that a run with this hash used, and in words where that comes from or what is wrong.

    `role` is `policy` or `ppm`.
    """
    try:
        folder = model_path(name, role)
        size = num_parameters(folder)
        if size is None:
            return None, f"{folder} holds no safetensors weights"
        if sum(file.stat().st_size for file in folder.glob("*.safetensors")) > _MOST_CHECKED_BYTES:
            return size, f"weights in {folder}, whose hash was not checked again"
        if fingerprint(folder) != sha256:
            return None, f"{folder} holds another model now than in the run"
    except (InputError, OSError):
        return None, f"{name} is not on this machine"
    return size, f"weights in {folder}"


def parse_size(flag: str, text: str) -> int:
    """`7615616512`, `7.6B` or `750K` as a number of parameters. Raises InputError, naming `flag`."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?(?:[eE]\+?\d+)?)\s*([KMBT]?)\s*", text.upper().replace("E+", "E"))
    size = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 1 <= size < math.inf:
        raise InputError(f"{flag} {text}: is no number of parameters; write e.g. 7.6B or 750000")
    return round(size)


def _tensor_sizes(file: Path) -> dict[str, int] | None:
    """Elements of every tensor in a safetensors file; None where the file is none."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= _MOST_HEADER_BYTES:
            return None
        try:
            header: dict[str, Any] = json.loads(stream.read(length))
            return {name: math.prod(each["shape"]) for name, each in header.items() if name != "__metadata__"}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
