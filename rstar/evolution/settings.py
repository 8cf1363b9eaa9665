"""What an evolution is: a base, a pool, and per round a search and the models that guide it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from typing import Any, Literal, get_args, get_type_hints

from rstar.engines.vllm_settings import read_settings
from rstar.prompts import Layout
from rstar.search.presets import preset as search_preset
from rstar.synthesis.pairs import PairSettings
from rstar.training.scale import Scale, scaled
from rstar.training.settings import PpmSettings, SftSettings, Shape, overridden
from tasks.procedural import KINDS, LEVELS, Kind
from tasks.types import InputError

TEACHER = "teacher"
"""The base that is made here, from the scripted teacher's solutions; any other base is a folder."""
BASE = "base"
"""The bootstrap policy of an evolution that has no larger one: its own base."""
Ablation = Literal["pqm", "outcome", "sft-random", "sft-rejection"]
ABLATIONS: tuple[Ablation, ...] = ("pqm", "outcome", "sft-random", "sft-rejection")
"""Other value models, and other selections of SFT data, on the last round's searches (paper, Tables 7 and 8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round: how its problems are searched. The policy of the first is the bootstrap, then the round before's."""

    search: str
    """A search preset, see `rstar.search.presets`."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Its settings by name."""
    extra: tuple[int, ...] = ()
    """Budgets of the further searches, each with new seeds, that an unsolved problem gets."""
    uses_ppm: bool = False
    """PPM-augmented annotation by the PPM of the round before, instead of labels alone."""
    layout: Layout = "rstar-sft"
    """The prompt: `bootstrap` shows a model that does not know the format two examples."""
    pool: str = ""
    """Problems of this round alone; empty for the evolution's."""
    trains_ppm: bool = True
    """Whether the round ends with a PPM of its own; one that does not keeps that of the round before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """How the scripted teacher's base is made."""

    each: int = 500
    """Problems of each family and level."""
    first: int = 10_000
    """Index of the first of them in the train split."""
    levels: tuple[int, ...] = LEVELS
    times: int = 1
    """Solutions of each."""
    misconceptions: tuple[Kind, ...] = ()
    """Kinds of steps that the teacher gets wrong more often than right, besides its own five."""
    shape: Shape = field(default_factory=Shape)
    sft: SftSettings = field(default_factory=SftSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherRollouts:
    """Solutions by the scripted teacher that every PPM learns from too, as the paper's first PPM does."""

    each: int = 0
    """Problems of each family and level, the next ones each round; 0: none. Where a family repeats questions, a round's
    last problems are the first of the next (3 of 7,200 in `tiny`)."""
    first: int = 600_000
    """Index of the first of them in the train split, those of round 1; the next rounds' follow."""
    times: int = 6
    """Solutions of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What is measured after each round. Which run it is, is the harness's business."""

    task: str = "procedural-hard"
    limit: int | None = None
    """Problems, spread over the task, for the policies alone; None: all."""
    guided_limit: int | None = None
    """Problems of the runs with a reward model, which cost a hundred times as much; None: as many."""
    search: str = "tiny"
    """Preset of the search with the PPM ("system 2")."""
    budget: int = 16
    seeds: tuple[int, ...] = (0,)
    alpha: float = 0.05
    """A round whose greedy policy is worse at this level (McNemar, paired by problem) stops the evolution."""
    is_on: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolutionSettings:
    """The whole. Raises InputError, naming the field, for what cannot be."""

    name: str
    rounds: tuple[Round, ...]
    base: str = TEACHER
    """`teacher`, or the folder of the model that every policy is trained from."""
    bootstrap: str = BASE
    """Policy of the first round: `base`, or a folder."""
    pools: tuple[str, ...]
    """Train pools, see `rstar.synthesis.pools`; searched one after the other."""
    against: str = ""
    """Eval tasks whose questions are refused, by commas; empty: all that could meet the pool."""
    seed: int = 0
    lessons: Lessons = field(default_factory=Lessons)
    sft: SftSettings
    ppm: PpmSettings
    sft_scale: Scale = field(default_factory=Scale)
    ppm_scale: Scale = field(default_factory=Scale)
    extra_layers: int = 0
    """Layers of a PPM on top of its policy's, see `rstar.training.checkpoints.value_model_of`."""
    teacher_rollouts: TeacherRollouts = field(default_factory=TeacherRollouts)
    pairs: PairSettings = field(default_factory=PairSettings)
    pairs_of: Literal["round", "new", "all"] = "round"
    """Whose pairs a PPM learns from: its own round's, those of the rounds since the PPM before, or of all so far."""
    ppm_starts_from: Literal["policy", "ppm"] = "policy"
    """What a PPM starts from: its round's policy (paper, section 3.3), or the PPM before, so that it learns on."""
    top: int = 2
    """Solutions per problem and round that a policy learns from: paper, section 3.4."""
    interpreter: Literal["walker", "sandbox"] = "sandbox"
    """`walker` runs the procedural families' programs without a process, and calls anything else an error."""
    device: str = "auto"
    dtype: str = "auto"
    engine: str = "transformers"
    """Of searches and evaluations: transformers or vllm."""
    vllm: tuple[str, ...] = ()
    """How vLLM shares the machine, NAME=VALUE, see `rstar.engines.vllm_settings`."""
    max_new_tokens: int = 2048
    """Of one step: released `sft_sample_mcts.yaml`."""
    concurrency: int = 64
    """Problems at a time; with 1 the engine's batches, and so the last bits of its sums, are the same every time."""
    evaluation: Evaluation = field(default_factory=Evaluation)
    ablations: tuple[Ablation, ...] = ()

    def __post_init__(self) -> None:
        if not self.rounds:
            raise InputError("evolution setting rounds is empty; give at least one round")
        if not self.pools and not all(each.pool for each in self.rounds):
            raise InputError("evolution setting pools is empty; name a train pool")
        known = get_type_hints(EvolutionSettings)
        for name in ("pairs_of", "ppm_starts_from"):
            _check(name, getattr(self, name), get_args(known[name]))
        for kind in self.lessons.misconceptions:
            _check("lessons.misconceptions", kind, KINDS)
        has_ppm = False
        for number, each in enumerate(self.rounds, 1):
            search_preset(each.search, each.overrides)
            if each.uses_ppm and not has_ppm:
                raise InputError(f"evolution setting rounds: round {number} uses a PPM, but none was trained before it")
            has_ppm = has_ppm or each.trains_ppm
        if self.engine not in ("transformers", "vllm"):
            raise InputError(f"evolution setting engine: {self.engine!r} is unknown; use transformers or vllm")
        read_settings(self.vllm)
        if self.ablations and not self.rounds[-1].trains_ppm:
            raise InputError("evolution setting ablations: they compare with the last round's PPM; let it train one")
        for name in self.ablations:
            if name not in ABLATIONS:
                raise InputError(f"evolution setting ablations: {name!r} is unknown; use {', '.join(ABLATIONS)}")
        if "sft-rejection" in self.ablations and "outcome" not in self.ablations:
            raise InputError("evolution setting ablations: sft-rejection ranks by the ORM; add outcome")

    def content(self) -> dict[str, Any]:
        """All of it as JSON."""
        content: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        for name, default in (("engine", "transformers"), ("vllm", [])):
            # Younger than some evolutions, which are to go on in their folders.
            if content[name] == default:
                del content[name]
        return content

    @property
    def sha256(self) -> str:
        """What tells evolutions apart."""
        return sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()


def evolved(settings: EvolutionSettings, overrides: Mapping[str, Any]) -> EvolutionSettings:
    """`settings` with other values; a mapping changes fields of a part, a list of rounds replaces all rounds.

    Raises InputError, naming the field, for an unknown field or a value that cannot be.
    """
    values = {name: _value(settings, name, value) for name, value in overrides.items()}
    try:
        return replace(settings, **values)
    except TypeError as error:
        raise InputError(f"evolution settings: {error}") from error


def _check(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise InputError(f"evolution setting {name}: {value!r} is unknown; use {', '.join(known)}")


def _value(settings: EvolutionSettings, name: str, value: Any) -> Any:
    known = [each.name for each in fields(settings)]
    if name not in known:
        raise InputError(f"evolution setting {name!r} is unknown; use {', '.join(known)}")
    old = getattr(settings, name)
    if name == "rounds":
        return tuple(
            _part(Round(search="tiny"), f"rounds {number}", each) for number, each in enumerate(_list(value), 1)
        )
    if isinstance(old, tuple):
        return tuple(_list(value))
    if isinstance(old, SftSettings | PpmSettings):
        return overridden(old, _mapping(name, value))
    if isinstance(old, Scale):
        return scaled(old, _mapping(name, value))
    if isinstance(old, Lessons | TeacherRollouts | Evaluation | PairSettings):
        return _part(old, name, value)
    if isinstance(old, bool) is not isinstance(value, bool) or not isinstance(value, type(old)):
        raise InputError(f"evolution setting {name}: {value!r} should be {type(old).__name__}")
    return value


def _part(old: Any, where: str, value: Any) -> Any:
    """A part with the fields of a mapping in place of its own."""
    given = _mapping(where, value)
    known = {each.name: getattr(old, each.name) for each in fields(old)}
    changed: dict[str, Any] = {}
    for name, one in given.items():
        if name not in known:
            raise InputError(f"evolution setting {where}.{name} is unknown; use {', '.join(known)}")
        if isinstance(known[name], SftSettings):
            changed[name] = overridden(known[name], _mapping(f"{where}.{name}", one))
        elif isinstance(known[name], Shape):
            changed[name] = _part(known[name], f"{where}.{name}", one)
        else:
            changed[name] = tuple(_list(one)) if isinstance(known[name], tuple) else one
    return replace(old, **changed)


def _mapping(where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(
            f"evolution setting {where}: {value!r} holds no settings; write one 'name: value' a line below it"
        )
    return value


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)
