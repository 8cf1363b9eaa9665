"""Which reward model a folder holds, and the engine that serves it.

The architecture named in config.json decides where it can. Math-Shepherd and RLHFlow are causal language models like
any policy: only a name tells them apart, and a policy that is taken for a PRM would give scores that mean nothing. So
they are recognised by the names that they are published under, anywhere in the path or in config.json, or are named.
"""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from tasks.types import InputError

if TYPE_CHECKING:
    from rstar.engines.loading import Dtype
    from rstar.prompts import Layout
    from rstar.reward.last_token import LastTokenReward

PrmFormat = Literal["auto", "ppm", "qwen", "skywork", "math-shepherd", "rlhflow"]
"""`ppm` is our own, see `rstar.reward.ppm`; the others are public families, each in a file of its own."""
FORMATS: tuple[PrmFormat, ...] = get_args(PrmFormat)
RELEASED_HEAD = "value_head.bin"
"""Beside a causal model: the PPM layout of the released code, see `rstar.training.value_head`."""
_ARCHITECTURES: dict[str, PrmFormat] = {"Qwen2ForProcessRewardModel": "qwen", "Qwen2ForPrmModel": "skywork"}
_NAMES: dict[str, PrmFormat] = {"math-?shepherd": "math-shepherd", "rlhflow|llama3\\.1-8b-prm": "rlhflow"}
_FAMILIES = {
    "qwen": ("rstar.reward.qwen_prm", "QwenMarks"),
    "skywork": ("rstar.reward.skywork_prm", "SkyworkMarks"),
    "math-shepherd": ("rstar.reward.math_shepherd", "ShepherdMarks"),
    "rlhflow": ("rstar.reward.rlhflow", "RlhflowMarks"),
}


def checked_format(name: str) -> PrmFormat:
    """`name` as a format. Raises InputError where it is none."""
    for known in FORMATS:
        if name == known:
            return known
    raise InputError(f"--ppm-format {name}: is unknown; use one of {', '.join(FORMATS)}")


def format_of(folder: Path) -> PrmFormat:
    """The format of the reward model in `folder`. Raises InputError where its head is none that is known."""
    from rstar.engines.loading import load_config

    config = load_config(folder, "reward model")
    names = list(getattr(config, "architectures", None) or [])
    architecture = names[0] if names else "no architecture named"
    if architecture in _ARCHITECTURES:
        return _ARCHITECTURES[architecture]
    if "SequenceClassification" in architecture or (folder / RELEASED_HEAD).is_file():
        return "ppm"
    if not architecture.endswith("ForCausalLM"):
        raise InputError(
            f"reward model folder {folder}: the head of {architecture} is unknown; give a model trained by 'rstar "
            f"train ppm', or one of the public formats {', '.join(_FAMILIES)}"
        )
    known = f"{folder.resolve()} {_published_name(folder)}"
    for pattern, named in _NAMES.items():
        if re.search(pattern, known, re.IGNORECASE):
            return named
    raise InputError(
        f"reward model folder {folder} holds no value head ({architecture}); give a model trained by `rstar train "
        "ppm`, or say which public PRM it is with --ppm-format math-shepherd or rlhflow"
    )


def open_reward(
    folder: Path,
    chosen: PrmFormat = "auto",
    *,
    device: str = "auto",
    dtype: Dtype = "auto",
    layout: Layout = "rstar-sft",
    **limits: Any,
) -> LastTokenReward:
    """The reward model in `folder`, to be closed by the caller; `limits` are those of `LastTokenReward`.

    `layout` is read by our own format alone. Raises InputError for a model that does not serve, or not in that format.
    """
    named = format_of(folder) if chosen == "auto" else chosen
    if named == "ppm":
        from rstar.reward.ppm import TransformersPPM
        from rstar.reward.released_ppm import servable

        return TransformersPPM.load(servable(folder), device=device, dtype=dtype, layout=layout, **limits)
    from rstar.engines.loading import choose_device, choose_dtype, load_config, load_tokenizer, load_weights
    from rstar.reward.public_prm import PublicPRM

    module, marks_class = _FAMILIES[named]
    family = import_module(module)
    tokenizer = load_tokenizer(folder, "reward model")
    marks = getattr(family, marks_class)(tokenizer)
    on = choose_device(device)
    config = load_config(folder, "reward model")
    model = load_weights(family.MODEL, folder, "reward model", config, on, choose_dtype(dtype, on))
    return PublicPRM(model, tokenizer, marks, family.head(model, marks), **limits)


def _published_name(folder: Path) -> str:
    """The name that config.json was saved under, empty where it has none."""
    try:
        name = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("_name_or_path")
    except (OSError, ValueError, AttributeError):
        return ""
    return name if isinstance(name, str) else ""
