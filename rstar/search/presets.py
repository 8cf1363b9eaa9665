"""The searches by name, and named settings with the table or file that each number comes from.

"Paper" is arXiv 2501.04519; "released" is github.com/microsoft/rStar, branch rStar-math, commit b3c1846. Where the two
differ both are here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from rstar.search.beam import BeamConfig, beam_search
from rstar.search.config import SearchConfig
from rstar.search.dvts import DvtsConfig, dvts
from rstar.search.mcts import MctsConfig, mcts
from rstar.search.particle import particle_filter
from rstar.search.sampling import sample
from rstar.search.voting import Rule
from rstar.types import SearchResult
from tasks.types import InputError

Search = Callable[..., Coroutine[Any, Any, SearchResult]]
"""(problem, policy, reward, interpreter, config, seed, *, clock, classes) to result."""


@dataclass(frozen=True, slots=True)
class Method:
    """A search and the type of its settings."""

    search: Search
    config: type[SearchConfig]


METHODS: dict[str, Method] = {
    "sample": Method(sample, SearchConfig),
    "beam": Method(beam_search, BeamConfig),
    "dvts": Method(dvts, DvtsConfig),
    "particle": Method(particle_filter, SearchConfig),
    "mcts": Method(mcts, MctsConfig),
}


@dataclass(frozen=True, slots=True)
class Preset:
    """A method, its settings, and the rule that its source answers by."""

    method: str
    config: SearchConfig
    rule: Rule
    source: str


PRESETS: dict[str, Preset] = {
    # The paper's final evaluation: 32 candidates a step, the trajectory of highest PPM score is the answer.
    "paper-eval": Preset(
        "mcts", MctsConfig(variant="paper", budget=64, num_candidates=32), "best", "paper, sections 3.1 and 4.1"
    ),
    # A trajectory is a whole run; the README votes over the K best of them.
    "official-eval": Preset(
        "mcts",
        MctsConfig(variant="official", budget=64, num_candidates=32, rollouts_per_tree=12, counts="trees"),
        "top_k",
        "released sft_eval_mcts.yaml and README",
    ),
    "official-cheap": Preset(
        "mcts",
        MctsConfig(variant="official", budget=64, num_candidates=16, rollouts_per_tree=8, counts="trees"),
        "top_k",
        "released README: 16 candidates and 8 rollouts as the cheaper choice",
    ),
    "official-beam": Preset(
        "beam", BeamConfig(budget=8, width=8, num_candidates=8), "best", "released sft_eval_bs.yaml"
    ),
    # Round 1 runs the paper's 8 rollouts and 5 candidates (the released file says 48 and 12; its author confirmed 8).
    # Temperature and error threshold are only in the released file.
    "bootstrap": Preset(
        "mcts",
        MctsConfig(budget=8, num_candidates=5, temperature=0.7, errors_threshold=2, scores_steps=False),
        "best",
        "paper, appendix A.1; released sample_mcts.yaml; rStar issue 26",
    ),
    "round2": Preset(
        "mcts", MctsConfig(budget=16, num_candidates=8, scores_steps=False), "best", "paper, section 3.4, round 2"
    ),
    "round3": Preset("mcts", MctsConfig(budget=16, num_candidates=8), "best", "paper, section 3.4, round 3"),
    # 16 rollouts at first; unsolved problems get up to 128, and two trees each, which is the caller's doing.
    "round4": Preset("mcts", MctsConfig(budget=16, num_candidates=16), "best", "paper, section 3.4, round 4"),
    # For the models of the package. Chosen on validation problems: 4 candidates at 0.8 reach with 32 trajectories what
    # 6 at 1.0 do with 64, at a third of the tokens (rstar/models/tiny/README.md).
    "tiny": Preset(
        "mcts", MctsConfig(budget=32, num_candidates=4, temperature=0.8), "weighted", "model card of the package"
    ),
    "greedy": Preset(
        "sample",
        SearchConfig(budget=1, temperature=0.0, errors_threshold=3),
        "best",
        "released greedy configuration: temperature 0, three errors in a row",
    ),
    "self-consistency": Preset("sample", SearchConfig(budget=64), "majority", "Wang et al. 2022"),
    "best-of-n": Preset("sample", SearchConfig(budget=64), "best", "paper, Table 8"),
    "weighted-best-of-n": Preset("sample", SearchConfig(budget=64), "weighted", "Li et al. 2023 (step-aware verifier)"),
    "dvts": Preset("dvts", DvtsConfig(budget=64, num_candidates=4), "weighted", "Beeching et al. 2024"),
    "particle": Preset("particle", SearchConfig(budget=64), "best", "Puri et al. 2025"),
}


def preset(name: str, overrides: Mapping[str, Any] | None = None) -> Preset:
    """The preset `name` with the fields of `overrides` in place of its own. Raises InputError for an unknown name, an
    unknown field or a value out of range."""
    if name not in PRESETS:
        raise InputError(f"search preset {name!r} is unknown; use {', '.join(PRESETS)}")
    chosen = PRESETS[name]
    return replace(chosen, config=_overridden(chosen.config, overrides or {}))


def method_config(method: str, overrides: Mapping[str, Any] | None = None) -> SearchConfig:
    """The default settings of `method` with `overrides`. Raises InputError as `preset` does."""
    if method not in METHODS:
        raise InputError(f"search method {method!r} is unknown; use {', '.join(METHODS)}")
    return _overridden(METHODS[method].config(), overrides or {})


def _overridden(config: SearchConfig, overrides: Mapping[str, Any]) -> SearchConfig:
    known = [each.name for each in fields(config)]
    for name in overrides:
        if name not in known:
            raise InputError(f"search setting {name!r} is unknown here; use {', '.join(known)}")
    return replace(config, **overrides)
