"""The settings of an evolution from a preset's name or a YAML file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.spec_fields import read_yaml
from rstar.evolution.presets import EVOLUTIONS, evolution, trial
from rstar.evolution.settings import EvolutionSettings, evolved
from tasks.types import InputError

DEFAULT = "tiny"


def read_settings(
    name: str, seed: int | None = None, base: Path | None = None, scale: float = 1.0
) -> EvolutionSettings:
    """The preset `name`, or the one that a YAML file names in `preset` with the file's other fields in place of its
    own. Raises InputError for an unknown name or field and for a value that cannot be."""
    if name in EVOLUTIONS:
        settings = evolution(name)
    else:
        path = Path(name)
        if path.suffix not in (".yaml", ".yml"):
            raise InputError(f"--preset {name} is unknown; use {', '.join(EVOLUTIONS)}, or name a YAML file")
        fields = read_yaml(path)
        start = evolution(str(fields.pop("preset", DEFAULT)))
        settings = evolved(start, {"name": path.stem} | fields)
    if seed is not None:
        settings = replace(settings, seed=seed)
    if base is not None:
        settings = replace(settings, base=str(base.resolve()))
    return trial(settings, scale)


def shown(settings: EvolutionSettings) -> str:
    """The settings as the YAML file that gives them."""
    import yaml  # type: ignore[import-untyped]

    text: str = yaml.safe_dump(settings.content(), sort_keys=False, allow_unicode=True)
    return text
