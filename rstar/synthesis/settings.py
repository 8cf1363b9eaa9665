"""What a synthesis is: a search, how often the unsolved are tried again, and what all of it is hashed to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import Any

from rstar.search.config import SearchConfig
from rstar.search.mcts import MctsConfig
from rstar.search.presets import preset
from rstar.synthesis.shards import FORMAT
from tasks.types import InputError

EXTRA: Mapping[str, tuple[int, ...]] = {
    "bootstrap": (),
    "round2": (16,),
    "round3": (16,),
    "round4": (64, 48),
    "tiny": (),
}
"""Preset to the budgets of the searches that an unsolved problem gets on top, each a tree with a new seed. Paper,
section 3.4 and appendix A.1: 16 more in rounds 2 and 3; in round 4 two expansions with other seeds, 64 more, up to 128
in all (16 + 64 + 48; how the last 48 are split is an inference)."""
SHARD_PROBLEMS = 256
"""Problems per shard: some 100,000 nodes and 10 MB. Chosen, not tuned."""
_PPM_PRESETS, _LABEL_PRESETS = ("round3", "round4"), ("bootstrap", "round2")


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesisSpec:
    """Everything that the trees depend on. Equal specs give equal shards."""

    preset: str
    method: str
    config: SearchConfig
    extra: tuple[int, ...] = ()
    """Budgets of the further searches that a problem without a right answer gets."""
    is_ppm_augmented: bool = False
    seed: int = 0
    shard_problems: int = SHARD_PROBLEMS
    identities: Mapping[str, str] = field(default_factory=dict)
    """Hashes and versions of pool, policy, PPM, interpreter and grader."""

    def __post_init__(self) -> None:
        if any(budget < 1 for budget in self.extra) or self.shard_problems < 1 or self.seed < 0:
            raise InputError("extra budgets and problems per shard are at least 1, the seed is at least 0")

    def content(self) -> dict[str, Any]:
        """All of it as JSON."""
        fields = asdict(self) | {"extra": list(self.extra), "identities": dict(self.identities)}
        return {"format": FORMAT} | fields

    @property
    def sha256(self) -> str:
        """The hash that every shard carries."""
        return sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()


def synthesis_spec(
    name: str,
    *,
    has_ppm: bool,
    overrides: Mapping[str, Any] | None = None,
    extra: tuple[int, ...] | None = None,
    seed: int = 0,
    shard_problems: int = SHARD_PROBLEMS,
    identities: Mapping[str, str] | None = None,
) -> SynthesisSpec:
    """The spec of a search preset. Raises InputError where the preset and the PPM do not go together."""
    chosen = preset(name, overrides)
    config = chosen.config
    if name in _PPM_PRESETS and not has_ppm:
        raise InputError(f"--preset {name} is PPM-augmented: name the PPM of the round before with --ppm")
    if name in _LABEL_PRESETS and has_ppm:
        raise InputError(f"--preset {name} is guided by labels alone: leave out --ppm, or use round3, round4 or tiny")
    if isinstance(config, MctsConfig):
        config = replace(config, scores_steps=has_ppm)
    elif chosen.method != "sample":
        raise InputError(f"--preset {name} is a {chosen.method} search; synthesis uses mcts or sample")
    return SynthesisSpec(
        preset=name,
        method=chosen.method,
        config=config,
        extra=EXTRA.get(name, ()) if extra is None else extra,
        is_ppm_augmented=has_ppm,
        seed=seed,
        shard_problems=shard_problems,
        identities=identities or {},
    )
