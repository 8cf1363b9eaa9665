"""Evolutions by name, every number with its source.

"Paper" is arXiv 2501.04519, "README" that of github.com/microsoft/rStar, branch rStar-math, commit b3c1846.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from rstar.evolution.settings import ABLATIONS, Evaluation, EvolutionSettings, Lessons, Round, TeacherRollouts
from rstar.synthesis.pairs import PAIR_PRESETS
from rstar.synthesis.settings import EXTRA
from rstar.training.scale import BASE_MODELS, SCALES
from rstar.training.settings import PPM_PRESETS, SFT_PRESETS, PpmSettings, SftSettings, Shape, overridden
from tasks.procedural import LEVELS
from tasks.types import InputError

# The four rounds of the paper (section 3.4, appendix A.1): 8 rollouts of 5 candidates by a large bootstrap policy, then
# 16 of 8 by labels alone, 16 of 8 and 16 of 16 with the PPM; the unsolved get more (see `rstar.synthesis.settings`).
PAPER_ROUNDS = (
    Round(search="bootstrap", layout="bootstrap"),
    Round(search="round2", extra=EXTRA["round2"]),
    Round(search="round3", extra=EXTRA["round3"], uses_ppm=True),
    Round(search="round4", extra=EXTRA["round4"], uses_ppm=True),
)

PAPER_7B = EvolutionSettings(
    name="paper-7b",
    rounds=PAPER_ROUNDS,
    base=BASE_MODELS["paper-7b"],
    bootstrap="deepseek-ai/DeepSeek-Coder-V2-Instruct",  # paper, section 3.4, round 1
    # Paper, section 4.1: competition-level NuminaMath and MetaMath. Its GPT-4 problems are not published; `rstar
    # synthesize problems` writes some, and any file of them can be named here.
    pools=("numina_competition", "metamath_qa"),
    seed=42,  # README
    sft=SFT_PRESETS["paper-7b"],
    ppm=PPM_PRESETS["paper-7b"],
    sft_scale=SCALES["paper-7b"],
    ppm_scale=SCALES["paper-7b"],
    pairs=PAIR_PRESETS["paper"],
    # MATH-500 stands for the paper's seven benchmarks; 8 trajectories of 32 candidates (paper, section 4.1).
    evaluation=Evaluation(task="math500", search="paper-eval", budget=8),
    ablations=ABLATIONS,
)

# The embedded default's recipe (`rstar.training.tiny`) spread over the paper's four rounds: labels alone in the first
# two, the PPM in the last two. Its teacher has twice the misconceptions, for a base with as much to unlearn as that of
# the prototype (31.9 % greedy, tiny recipe). 16 solutions a problem (prototype runs, tiny recipe; docs/evolution.md has
# a trial of twice the problems with half the solutions); trees of 8 rollouts, 4 candidates, and again 8 for the
# unsolved. The first PPM is that of round 2, the paper's first reliable one; the next ones learn on from it, since what
# a round's problems teach a model of this size is too little for a PPM of its own (docs/evolution.md). Greedy policies
# are judged on all 384 problems, searches on 96.
_TINY_TREE = {"budget": 8, "num_candidates": 4}
_TINY_POOL = "procedural-train?each=10&first={}"
TINY = EvolutionSettings(
    name="tiny",
    rounds=(
        Round(search="self-consistency", overrides={"budget": 16}, pool=_TINY_POOL.format(110_000), trains_ppm=False),
        Round(search="self-consistency", overrides={"budget": 16}, pool=_TINY_POOL.format(120_000)),
        Round(search="tiny", overrides=_TINY_TREE, extra=(8,), uses_ppm=True, pool=_TINY_POOL.format(130_000)),
        Round(search="tiny", overrides=_TINY_TREE, extra=(8,), uses_ppm=True, pool=_TINY_POOL.format(140_000)),
    ),
    pools=(_TINY_POOL.format(110_000),),
    lessons=Lessons(
        misconceptions=("apply", "choose", "compare", "divisor", "share"),
        sft=SftSettings(learning_rate=2e-3, batch=16, short_first=0.6),
    ),
    sft=SftSettings(learning_rate=1e-3, batch=16, epochs=3),
    ppm=PpmSettings(learning_rate=1e-3, batch=2, short_first=0.6, outcome_weight=1.0),
    extra_layers=2,
    teacher_rollouts=TeacherRollouts(each=25),
    pairs_of="new",
    ppm_starts_from="ppm",
    pairs=PAIR_PRESETS["hard"],
    interpreter="walker",
    device="cpu",
    dtype="float32",
    max_new_tokens=64,  # the longest step of the families has about 45
    concurrency=48,  # chosen, not tuned
    evaluation=Evaluation(task="procedural", guided_limit=96, search="tiny", budget=8),
    ablations=ABLATIONS,
)

# Runs through everything in seconds and learns nothing worth having: its base knows 16 questions by heart, and its
# rounds ask the same ones. One thread and one problem at a time, so that two runs end with the same bytes.
_MICRO_SFT = SftSettings(learning_rate=5e-3, batch=8, epochs=60, threads=1, bf16=False, save_every=0, max_tokens=512)
MICRO = EvolutionSettings(
    name="micro",
    rounds=(
        Round(search="tiny", overrides={"budget": 6, "num_candidates": 3}),
        Round(search="tiny", overrides={"budget": 4, "num_candidates": 3}, extra=(2,), uses_ppm=True),
    ),
    pools=("procedural-train?each=1&first=10000&levels=1",),
    lessons=Lessons(
        each=1,
        levels=(1,),
        times=2,
        shape=Shape(hidden=64, layers=2, heads=2, kv_heads=1, feed_forward=64, vocabulary=500, positions=512),
        sft=_MICRO_SFT,
    ),
    sft=overridden(_MICRO_SFT, {"epochs": 2, "learning_rate": 1e-3}),
    ppm=PpmSettings(learning_rate=1e-3, batch=4, epochs=2, threads=1, bf16=False, save_every=0, max_tokens=512),
    pairs_of="all",
    ppm_starts_from="ppm",
    interpreter="walker",
    device="cpu",
    dtype="float32",
    max_new_tokens=48,
    concurrency=1,
    evaluation=Evaluation(task="procedural", limit=8, search="tiny", budget=2),
)

EVOLUTIONS: Mapping[str, EvolutionSettings] = {"tiny": TINY, "micro": MICRO, "paper-7b": PAPER_7B}


def trial(settings: EvolutionSettings, scale: float) -> EvolutionSettings:
    """`settings` with `scale` of the procedural problems of every stage and of the evaluation.

    A pool that would have less than one problem of each family and level has one, of the first levels only. Raises
    InputError for a scale out of range.
    """
    if not 0 < scale <= 1:
        raise InputError(f"--scale {scale:g} is out of range; use a share above 0, at most 1")
    if scale == 1:
        return settings

    taught = settings.teacher_rollouts
    return replace(
        settings,
        pools=tuple(_fewer(pool, scale) for pool in settings.pools),
        rounds=tuple(replace(each, pool=_fewer(each.pool, scale)) for each in settings.rounds),
        lessons=replace(settings.lessons, each=_share(settings.lessons.each, scale)),
        teacher_rollouts=replace(taught, each=_share(taught.each, scale) if taught.each else 0),
        evaluation=replace(
            settings.evaluation,
            limit=_share(settings.evaluation.limit or 384, scale),
            guided_limit=_share(settings.evaluation.guided_limit or settings.evaluation.limit or 384, scale),
        ),
    )


def _fewer(pool: str, scale: float) -> str:
    """The name of a pool with a share of the problems of `pool`; of one that is not generated, its own."""
    found = re.search(r"each=(\d+)", pool)
    if found is None:
        return pool
    count = int(found[1]) * scale
    smaller = pool.replace(found[0], f"each={_share(int(found[1]), scale)}")
    if count >= 1 or "levels=" in pool:
        return smaller
    return f"{smaller}&levels={','.join(map(str, LEVELS[: math.ceil(len(LEVELS) * count)]))}"


def _share(count: int, scale: float) -> int:
    return max(1, round(count * scale))


def evolution(name: str) -> EvolutionSettings:
    """The evolution called `name`. Raises InputError for an unknown one."""
    if name not in EVOLUTIONS:
        raise InputError(f"evolution preset {name!r} is unknown; use {', '.join(EVOLUTIONS)}, or a YAML file")
    return EVOLUTIONS[name]
