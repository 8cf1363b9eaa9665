"""The solver as a model of lm-evaluation-harness: `--model rstar --model_args policy=...,method=mcts,budget=16`.

Made and registered on import, which `python -m harness.lm_eval` does. The model args are the fields of a run (see
`harness.spec.RunSpec`), settings of its search, `budget` and `seed` in place of budgets and seeds, and what the machine
may spend. A problem is searched exactly as `rstar run` searches it: same engines, same seeds where the document has the
problem's id, so the same answer.

The search has prompts of its own. So it is given the document's bare question where there is one (`question`, `problem`
and the like) and the prompt of lm-eval only where there is none; few-shot examples, temperature and lengths in the
task's `generation_kwargs` play no part.
"""

from __future__ import annotations

import asyncio
import atexit
import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from harness.engines import Resources, open_engines
from harness.lm_eval_reply import question_of, reply_of
from harness.retrying import Engines
from harness.run import CONCURRENCY, sandbox_level, search
from harness.run_inputs import model_fingerprint
from harness.spec import NO_REWARD, RunSpec
from harness.spec_fields import RUN_FIELDS, make_spec
from rstar.journal import Journal
from rstar.search.presets import METHODS
from rstar.search.tree import dissolve
from rstar.search.voting import choose_answers
from tasks.answers import classes
from tasks.types import InputError, Problem

_OF_LM_EVAL = ("batch_size", "max_batch_size", "device")
"""What lm-eval hands to every model; the first two mean nothing to a search."""
LM_EVAL_DEVICE = "cuda:0"
"""What lm-eval 0.4.13 hands over where nobody named a device, on a machine without a GPU too."""
_NOT_OURS = ("task", "limit", "budgets", "seeds", "search", "trees")
"""Fields of a run that lm-eval decides, or that are written as `budget`, `seed` and settings by name."""
_RESOURCES = tuple(each.name for each in fields(Resources) if each.name != "vllm")
_SETTINGS = tuple(
    dict.fromkeys(each.name for method in METHODS.values() for each in fields(method.config) if each.name != "budget")
)
KNOWN_ARGS = (
    *(name for name in RUN_FIELDS if name not in _NOT_OURS),
    *("budget", "seed", "reply", "concurrency"),
    *_RESOURCES,
    *_SETTINGS,
)


@dataclass(frozen=True, slots=True)
class ModelArgs:
    """Model args, checked."""

    spec: RunSpec
    resources: Resources
    concurrency: int
    reply: str
    """`answer`: the answer in the forms that math tasks read; `solution`: the solution before it."""


def read_model_args(given: Mapping[str, Any]) -> ModelArgs:
    """Raises InputError, a ValueError with one sentence, for an unknown name or a value that cannot be."""
    for name in given:
        if name not in (*KNOWN_ARGS, *_OF_LM_EVAL):
            close = difflib.get_close_matches(name, KNOWN_ARGS, n=1, cutoff=0.4)
            hint = f"did you mean '{close[0]}'?" if close else f"use {', '.join(KNOWN_ARGS)}"
            raise InputError(f"model arg '{name}' of the model rstar is unknown; {hint}")
    reply = str(given.get("reply", "answer"))
    if reply not in ("answer", "solution"):
        raise InputError(f"model arg 'reply': {reply!r} is unknown; use answer or solution")
    numbers = {name: given[name] for name in (*_RESOURCES, "concurrency") if given.get(name) is not None}
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"model arg '{name}': {value!r} is no whole number of at least 1")
    concurrency = numbers.pop("concurrency", CONCURRENCY)
    return ModelArgs(_spec(given), Resources(**numbers), concurrency, reply)


def _spec(given: Mapping[str, Any]) -> RunSpec:
    run = {name: value for name, value in given.items() if name in RUN_FIELDS and name not in _NOT_OURS}
    # lm-eval reads a bare number or "None" as such; a folder may be called so.
    run |= {name: str(run[name]) for name in ("policy", "ppm", "orm") if name in run}
    if run.get("device") == LM_EVAL_DEVICE:
        run["device"] = "auto"
    settings = {name: given[name] for name in _SETTINGS if name in given}
    # No field of a search depends on the task; a run has to name one.
    chosen: dict[str, Any] = {"task": "lm-eval", **run, "search": settings}
    if "budget" in given:
        chosen["budgets"] = [given["budget"]]
    if "seed" in given:
        chosen["seeds"] = [given["seed"]]
    spec = make_spec(chosen)
    for name, role in ((spec.policy, "policy"), (spec.ppm, "ppm"), (spec.orm, "orm")):
        if name != NO_REWARD:
            model_fingerprint(name, role)
    return spec


@register_model("rstar")
class RstarLM(LM):  # type: ignore[misc]
    """Answers `generate_until` requests by searching; has no log-likelihoods."""

    def __init__(self, **model_args: Any) -> None:
        """Raises InputError, a ValueError with one sentence, for model args that cannot be, before any work."""
        super().__init__()
        self.args = read_model_args(model_args)
        self._closing = ExitStack()
        self._runner = self._closing.enter_context(asyncio.Runner())
        self._engines: Engines | None = None
        atexit.register(self.close)

    def close(self) -> None:
        """End the engines. May be called more than once."""
        self._closing.close()
        atexit.unregister(self.close)

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """A reply for each request; a document that is asked for several times is searched with another seed each time.

        Raises EngineFailure where an engine fails on one of them.
        """
        from tqdm import tqdm

        if self._engines is None:
            self._engines = self._closing.enter_context(open_engines(self.args.spec, self.args.resources))
        with tqdm(total=len(requests), desc="rstar", disable=disable_tqdm) as bar:
            replies = self._replies(_Asked.of(requests, self.args.spec.seeds[0]), bar.update)
        for request, reply in zip(requests, replies, strict=True):
            self.cache_hook.add_partial("generate_until", request.args, reply)
        return replies

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """Raises InputError: a search writes answers, it scores none."""
        raise _no_likelihood(requests)

    def loglikelihood_rolling(self, requests: Sequence[Any]) -> list[float]:
        """Raises InputError: a search writes answers, it scores none."""
        raise _no_likelihood(requests)

    @property
    def tokenizer_name(self) -> str:
        """Stands in the key of lm-eval's cache of requests."""
        return f"rstar/{self.args.spec.layout}"

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:  # noqa: ARG002
        """The texts of the conversation: the search writes its own prompt."""
        return "\n\n".join(turn["content"] for turn in chat_history)

    def _replies(self, asked: Sequence[_Asked], done: Any) -> list[str]:
        """One for each. All that fails at once stands for the same trouble, and the first of it is raised."""
        try:
            return self._runner.run(self._solve(asked, done))
        except BaseExceptionGroup as errors:
            first: BaseException = errors
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise first from None

    async def _solve(self, asked: Sequence[_Asked], done: Any) -> list[str]:
        assert self._engines is not None
        await sandbox_level(self._engines)
        places = asyncio.Semaphore(self.args.concurrency)
        with TemporaryDirectory(prefix="rstar-lm-eval-") as folder:

            async def solve(number: int, one: _Asked) -> str:
                async with places:
                    reply = await self._search(one, Path(folder) / str(number))
                    done(1)
                    return reply

            async with asyncio.TaskGroup() as group:
                jobs = [group.create_task(solve(number, one)) for number, one in enumerate(asked)]
        return [job.result() for job in jobs]

    async def _search(self, one: _Asked, journal_path: Path) -> str:
        spec = self.args.spec
        assert self._engines is not None
        with Journal(journal_path, one.problem.id, "lm-eval") as journal:
            result = await search(one.problem, spec, one.seed, self._engines, journal)
        journal_path.unlink(missing_ok=True)
        budget = spec.budgets[-1]
        chosen = await asyncio.to_thread(
            choose_answers, result, [spec.rule], [budget], classes=classes, seed=one.seed, top_k=spec.top_k
        )
        reply = reply_of(result, chosen[spec.rule, budget], with_solution=self.args.reply == "solution")
        for root in result.trees:
            dissolve(root)
        return reply


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request: a problem and the seed of its search."""

    problem: Problem
    seed: int

    @classmethod
    def of(cls, requests: Sequence[Any], seed: int) -> list[_Asked]:
        """Requests for the same document get the seeds `seed`, `seed` + 1, ... in order."""
        times: Counter[tuple[str, Any]] = Counter()
        found = []
        for request in requests:
            key = (str(request.task_name), request.doc_id)
            doc = request.doc if isinstance(request.doc, Mapping) else {}
            own = doc.get("id")
            name = own if isinstance(own, str) and own else f"{key[0]}/{key[1]}"
            found.append(cls(Problem(name, question_of(doc, str(request.args[0]))), seed + times[key]))
            times[key] += 1
        return found


def _no_likelihood(requests: Sequence[Any]) -> InputError:
    name = getattr(requests[0], "task_name", None) if requests else None
    return InputError(
        f"task {name}: asks for log-likelihoods, and the model rstar writes answers; choose tasks whose output_type is "
        "generate_until"
    )
