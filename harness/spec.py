"""What a run is: a task, a search, models and seeds, all of it resolved. Equal specs are the same run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from rstar.chat import check_template
from rstar.engines.server_address import is_address
from rstar.interpreter.layers import LEVELS
from rstar.interpreter.layers import Level as SandboxLevel
from rstar.journal import Level as TreesLevel
from rstar.prompts import TEMPLATED, Layout
from rstar.reward.prm_formats import FORMATS, PrmFormat
from rstar.search.config import SearchConfig
from rstar.search.voting import RULES, TOP_K, Rule
from tasks.types import InputError

Engine = Literal["transformers", "vllm", "scripted", "server", "imported"]
"""`vllm`: see `rstar.engines.vllm`. `scripted`: a Python file with `candidates`, `score` and `count_tokens`, see
`rstar.engines.scripted`. `server`: what speaks OpenAI's completions over HTTP, see `rstar.engines.openai_server`."""
InterpreterName = Literal["sandbox", "arithmetic"]
IMPORTED = "imported"
"""The engine of runs that 'rstar import' made: another tool's replies. It answers nothing."""
BUILTIN = "builtin"
"""The name of the models that come with the package."""
NO_REWARD = "none"
"""The name of no reward model. Without PPM and ORM there is one search, `sample`, and one rule, the majority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One run. Make it with `harness.spec_fields.make_spec`. Raises InputError, naming the field, for what cannot be.

    How many problems are solved at a time, with how many processes and into which folder is no part of it: none of
    these changes a result.
    """

    task: str
    """A name that `rstar tasks` lists, or `user:PATH`."""
    preset: str = ""
    """Named settings that `config` started from; empty where it started from the method's defaults."""
    method: str
    config: SearchConfig
    """The search's settings; its budget is the largest of `budgets`."""
    rule: Rule = "best"
    """The rule that the headline figure goes by; the others are shown beside it."""
    budgets: tuple[int, ...]
    """Trajectories at which answers are chosen, ascending."""
    seeds: tuple[int, ...] = (0,)
    """Every problem is searched once with each."""
    limit: int | None = None
    """Problems to take, spread evenly over the task, which may be sorted by kind; None: all."""
    engine: Engine = "transformers"
    policy: str = BUILTIN
    """Folder of a model, file of a scripted engine, or `builtin`."""
    ppm: str = BUILTIN
    """The same for the reward model, or `none`."""
    ppm_format: PrmFormat = "auto"
    """How the reward model is asked: `ppm` for ours, a public family's name, or as its config.json says."""
    orm: str = NO_REWARD
    """The same for an outcome reward model, which judges finished solutions in place of the PPM."""
    device: str = "auto"
    dtype: str = "auto"
    layout: Layout = "rstar-sft"
    """The prompt's layout, see `rstar.prompts`."""
    chat_template: str = ""
    """A template of `rstar.chat` in place of the model's own, for the layouts that go through one; empty: its own."""
    top_p: float = 1.0
    """Only the likeliest tokens that together reach this probability are drawn, in (0, 1]. 1: as released."""
    sampling_top_k: int = 0
    """Only that many likeliest tokens are drawn; 0: all, as released (`top_k: -1`)."""
    max_new_tokens: int = 2048
    """Of one step: released `sft_eval_mcts.yaml`."""
    max_context_tokens: int = 4096
    """Of question and solution: model length of the released configurations."""
    interpreter: InterpreterName = "sandbox"
    """`arithmetic` runs nothing and knows sums only, for scripted engines: `rstar.engines.arithmetic`."""
    require_sandbox: SandboxLevel = "standard"
    """What must contain the programs; a machine that offers less is refused."""
    step_seconds: float = 5.0
    """Wall time of one program. 5: the interpreter's own default."""
    step_memory_mb: int = 1024
    """Memory that the programs of one solution may add, in MiB."""
    top_k: int = TOP_K
    """K of the rule `top_k`, which votes among the K best-judged answers; no part of sampling."""
    trees: TreesLevel = "answers"
    """What is kept of each search: nothing beside the record, its finished solutions, or every tree."""

    def __post_init__(self) -> None:
        _ascending("budgets", self.budgets)
        if len(set(self.seeds)) < len(self.seeds) or not self.seeds or min(self.seeds) < 0:
            raise InputError(f"field 'seeds': {list(self.seeds)} must be different whole numbers of at least 0")
        for name in ("max_new_tokens", "max_context_tokens", "step_memory_mb", "top_k", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"field '{name}': {value} is less than 1")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                usable = ", ".join(each for each in known if each != IMPORTED)
                raise InputError(f"field '{name}': {getattr(self, name)!r} is unknown; use one of {usable}")
        self._check_sampling()
        self._check_served()
        self._check_search()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that mean something here: without a reward model only the vote that looks at no value."""
        return RULES if self.has_reward else ("majority",)

    @property
    def has_reward(self) -> bool:
        """Whether any model judges how a solution ends."""
        return (self.ppm, self.orm) != (NO_REWARD, NO_REWARD)

    @property
    def solver(self) -> str:
        """The short name of the search."""
        return self.preset or self.method

    def content(self) -> dict[str, Any]:
        """Everything, with defaults, as JSON; `make_spec` makes the same spec of it."""
        fields = asdict(self)
        settings = fields.pop("config")
        del settings["budget"]
        # Younger than some runs, whose identity is to stay.
        if not self.chat_template:
            del fields["chat_template"]
        if self.ppm_format == "auto":
            del fields["ppm_format"]
        fields["budgets"], fields["seeds"] = list(self.budgets), list(self.seeds)
        return fields | {"search": settings}

    def _check_sampling(self) -> None:
        if not 0 < self.top_p <= 1:
            raise InputError(f"field 'top_p': {self.top_p} is not above 0 and at most 1; use 1 for no limit")
        if self.sampling_top_k < 0:
            raise InputError(f"field 'sampling_top_k': {self.sampling_top_k} is negative; use 0 for no limit")
        if self.engine == "scripted" and (self.top_p, self.sampling_top_k) != (1, 0):
            raise InputError("fields 'top_p' and 'sampling_top_k': a scripted engine draws no tokens; leave them out")

    def _check_served(self) -> None:
        check_template(self.chat_template)
        if self.chat_template and self.layout not in TEMPLATED:
            raise InputError(
                f"field 'chat_template': layout {self.layout} goes through none; use layout {', '.join(TEMPLATED)}, or "
                "leave it out"
            )
        if (self.engine == "server") != is_address(self.policy):
            fix = "name one with --policy http://127.0.0.1:8000/v1" if self.engine == "server" else "use engine server"
            raise InputError(f"field 'policy': {self.policy} does not go with engine {self.engine}; {fix}")
        for name in filter(is_address, (self.ppm, self.orm)):
            if self.ppm_format not in ("auto", "ppm"):
                raise InputError(f"field 'ppm_format': {name} is served, and asked as a PPM of ours; leave it out")

    def _check_search(self) -> None:
        if self.method == "particle" and len(self.budgets) > 1:
            raise InputError(
                f"field 'budgets': {list(self.budgets)}: the particles of a filter are resampled together, so a "
                "smaller budget is a run of its own; give one budget"
            )
        judges_steps = self.method != "sample" and getattr(self.config, "scores_steps", True)
        if self.ppm == NO_REWARD and (judges_steps or (self.method != "sample" and not self.has_reward)):
            raise InputError(f"field 'ppm': method {self.method} needs a reward model; name one, or use method sample")
        if self.method == "sample" and NO_REWARD not in (self.ppm, self.orm):
            raise InputError(
                "field 'orm': method sample has its ends judged and nothing else; name a ppm or an orm, not both"
            )
        if self.rule not in self.rules:
            raise InputError(f"field 'rule': {self.rule!r} needs a reward model; name one with ppm, or use majority")


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "engine": get_args(Engine),
    "interpreter": get_args(InterpreterName),
    "layout": get_args(Layout),
    "ppm_format": FORMATS,
    "dtype": ("auto", "float32", "bfloat16", "float16"),
    "require_sandbox": LEVELS,
    "trees": get_args(TreesLevel),
    "rule": RULES,
}


def _ascending(name: str, numbers: tuple[int, ...]) -> None:
    if not numbers or numbers[0] < 1 or any(first >= second for first, second in zip(numbers, numbers[1:])):  # noqa: B905, RUF007
        raise InputError(
            f"field '{name}': {list(numbers)} is not ascending; write different whole numbers from 1, smallest first"
        )
