r"""New problems from seeds: a model writes them, ten solutions are drawn for each, and three that agree make a label.

Paper, section 4.1: GPT-4 writes from 7.5k MATH and 3.6k AMC/AIME training problems. Here any writer does. Every written
problem ends as a named outcome:

| outcome | |
|---|---|
| `kept` | at least `min_agreeing` solutions give the same answer, and no other answer as many |
| `unreadable`, `too_long` | the reply holds no problem, or one of more than `MAX_CHARS` characters |
| `test_question` | it holds a question of an eval task |
| `duplicate` | its words are those of its seed or of an earlier written problem |
| `no_agreement`, `tied` | too few solutions agree; two answers have the same support |

Outcomes are appended as they come, so a killed run goes on; the pool is written from them, in the order of the seeds.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from rstar.protocols import Interpreter, Policy
from rstar.search.config import SearchConfig
from rstar.search.sampling import sample
from rstar.seeds import derive
from rstar.synthesis.checked_lines import CheckedLines
from rstar.synthesis.json_stream import write_lines
from rstar.synthesis.pools import Pooled
from rstar.synthesis.rollouts import NoReward
from rstar.synthesis.writers import Writer, WriterFailure
from tasks.answers import NO_CLASS, classes, extract
from tasks.overlap import OverlapIndex, words_of
from tasks.types import InputError, Problem

Verdict = Literal["kept", "unreadable", "too_long", "test_question", "duplicate", "no_agreement", "tied"]
MAX_CHARS = 2000
"""Of a written problem; the longest of MATH's training split has about 4,000 with its figures, nearly all below 1,000.
Chosen, not tuned."""
MAX_REPLY_CHARS = 20_000
"""Of a reply that is looked at: ten times the longest problem, so that words around it do not matter. Chosen."""
_MARK = re.compile(r"(?:\A|\n)[ \t]*(?:\*\*)?(?:New problem|Problem)\s*:?(?:\*\*)?\s*:?\s*", re.IGNORECASE)
_END = re.compile(r"\n[ \t]*(?:\*\*)?(?:Solution|Answer|Explanation)\b|<end_of_|```", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingSettings:
    """How problems are made. Raises InputError for a number out of range."""

    per_seed: int = 1
    """Problems written for each seed."""
    num_solutions: int = 10
    min_agreeing: int = 3
    """10 and 3: paper, section 4.1."""
    temperature: float = 1.0
    seed: int = 0
    writer: str = ""
    """What writes and solves, as its hash or its endpoint and model; part of the record only."""

    def __post_init__(self) -> None:
        if self.per_seed < 1 or not 1 <= self.min_agreeing <= self.num_solutions:
            raise InputError("per_seed is at least 1, and min_agreeing at least 1 and at most num_solutions")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one written problem."""

    seed_id: str
    number: int
    verdict: Verdict
    question: str = ""
    answer: str = ""
    num_agreeing: int = 0
    subject: str = ""
    level: str = ""


class Solver(Protocol):
    """Draws independent solutions."""

    async def answers(self, problem: Problem, count: int, seed: int) -> list[str | None]:
        """The final answers of `count` solutions; None where one has none."""
        ...


@dataclass(frozen=True, slots=True)
class WrittenSolver:
    """Solutions in words by a writer; the answer is what the reply boxes."""

    writer: Writer
    temperature: float = 1.0

    async def answers(self, problem: Problem, count: int, seed: int) -> list[str | None]:
        """The boxed answers of `count` replies."""
        replies = await self.writer.write(solve_prompt(problem.question), count, seed, self.temperature)
        return [extract(reply) if "\\boxed" in reply else None for reply in replies]


@dataclass(frozen=True, slots=True)
class SearchedSolver:
    """Solutions step by step by a policy, their programs run."""

    policy: Policy
    interpreter: Interpreter
    config: SearchConfig = SearchConfig()  # noqa: RUF009 - frozen

    async def answers(self, problem: Problem, count: int, seed: int) -> list[str | None]:
        """The answers of `count` sampled trajectories."""
        config = SearchConfig(budget=count, temperature=self.config.temperature, max_depth=self.config.max_depth)
        result = await sample(problem, self.policy, NoReward(), self.interpreter, config, seed)
        return [trajectory.answer for trajectory in result.trajectories]


def write_prompt(question: str) -> str:
    """Asks for a new problem like the seed."""
    return (
        "Here is a mathematics problem.\n\n"
        f"Problem: {question}\n\n"
        "Write one new problem on the same topic and of at least the same difficulty. Change the situation and what is "
        "asked, not only the numbers. It must have exactly one answer: a number, a fraction or a closed expression. "
        "Do not solve it. Reply with the line 'Problem:' and the problem, and nothing else."
    )


def solve_prompt(question: str) -> str:
    """Asks for a solution with a boxed answer."""
    return f"{question}\n\nSolve this step by step. Put the final answer in \\boxed{{}}."


def parse_problem(reply: str) -> str:
    """The problem in a writer's reply; empty where there is none."""
    reply = reply[:MAX_REPLY_CHARS]
    marks = list(_MARK.finditer(reply))
    text = reply[marks[-1].end() :] if marks else reply
    end = _END.search(text)
    return (text[: end.start()] if end else text).strip()


def agreed(answers: Sequence[str | None], min_agreeing: int) -> tuple[Verdict, str, int]:
    """Verdict, answer and support of the answer that most solutions give."""
    numbers = classes(answers)
    counts = Counter(number for number in numbers if number != NO_CLASS).most_common(2)
    if not counts or counts[0][1] < min_agreeing:
        return "no_agreement", "", counts[0][1] if counts else 0
    if len(counts) == 2 and counts[0][1] == counts[1][1]:
        return "tied", "", counts[0][1]
    answer = answers[numbers.index(counts[0][0])]
    return "kept", answer or "", counts[0][1]


async def written_problem(
    seed_problem: Problem,
    number: int,
    writer: Writer,
    solver: Solver,
    settings: WritingSettings,
    index: OverlapIndex | None,
) -> Outcome:
    """Write and solve one problem. Raises WriterFailure where the writer does."""
    seed = derive(settings.seed, "problems", seed_problem.id, number)
    [reply] = await writer.write(write_prompt(seed_problem.question), 1, seed, settings.temperature)
    question = parse_problem(reply)
    labels = seed_problem.subject, seed_problem.level
    verdict = _rejected(question, index)
    if verdict is not None:
        return Outcome(seed_problem.id, number, verdict, question[:MAX_CHARS])
    problem = Problem(f"written/{seed_problem.id}-{number}", question)
    answers = await solver.answers(problem, settings.num_solutions, derive(seed, "solutions"))
    found, answer, support = agreed(answers, settings.min_agreeing)
    return Outcome(seed_problem.id, number, found, question, answer, support, *labels)


def synthesize_problems(
    seeds: Sequence[Pooled],
    writer: Writer,
    solver: Solver,
    settings: WritingSettings,
    out: Path,
    index: OverlapIndex | None,
    *,
    concurrency: int = 16,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Counter[str]:
    """Write problems for all seeds into `out`, a JSONL pool for `rstar synthesize`; returns verdict to count.

    The same call goes on where it was stopped: outcomes are kept in `<out>.outcomes`. A seed whose writer failed is
    counted as `failed` and tried again by the next call. Raises InputError where the outcomes belong to other settings.
    """
    log = _outcomes(out, settings)
    done = {(value["seed_id"], value["number"]) for value in _logged(log)}
    failed = asyncio.run(_write_all(seeds, writer, solver, settings, index, log, done, concurrency, on_outcome))
    order = {(pooled.problem.id, n): at for at, (pooled, n) in enumerate(_asked(seeds, settings))}
    found = [Outcome(**value) for value in _logged(log)]
    found.sort(key=lambda each: order.get((each.seed_id, each.number), len(order)))
    outcomes = list(_without_duplicates(found, {_words(pooled.problem.question) for pooled in seeds}))
    write_lines(out, (_row(place, each) for place, each in enumerate(outcomes) if each.verdict == "kept"))
    counts = Counter[str](each.verdict for each in outcomes)
    if failed:
        counts["failed"] = failed
    return counts


async def _write_all(
    seeds: Sequence[Pooled],
    writer: Writer,
    solver: Solver,
    settings: WritingSettings,
    index: OverlapIndex | None,
    log: CheckedLines,
    done: set[tuple[str, int]],
    concurrency: int,
    on_outcome: Callable[[Outcome], None] | None,
) -> int:
    """Write what is not done; returns how many failed."""
    waiting = ((p, n) for p, n in _asked(seeds, settings) if (p.problem.id, n) not in done)
    num_failed = 0

    async def next_ones() -> None:
        nonlocal num_failed
        for pooled, number in waiting:
            try:
                outcome = await written_problem(pooled.problem, number, writer, solver, settings, index)
            except WriterFailure:
                num_failed += 1
                continue
            log.append(asdict(outcome))
            if on_outcome is not None:
                on_outcome(outcome)

    tasks = [asyncio.ensure_future(next_ones()) for _ in range(concurrency)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    return num_failed


def _asked(seeds: Sequence[Pooled], settings: WritingSettings) -> Iterator[tuple[Pooled, int]]:
    return ((pooled, number) for pooled in seeds for number in range(settings.per_seed))


def _outcomes(out: Path, settings: WritingSettings) -> CheckedLines:
    path = out.with_name(f"{out.name}.outcomes")
    path.parent.mkdir(parents=True, exist_ok=True)
    log = CheckedLines(path, "delete it: the problems are written again")
    header = ["rstar-problems-1", asdict(settings)]
    known = next(log.values(), None)
    if known is None:
        log.append(header)
    elif known != header:
        raise InputError(f"{path}: belongs to other settings; name another file with --out, or delete it")
    return log


def _logged(log: CheckedLines) -> Iterator[dict[str, Any]]:
    values = log.values()
    next(values)
    return values


def _rejected(question: str, index: OverlapIndex | None) -> Verdict | None:
    """Why a written problem is not solved; None where it is."""
    if len(question) > MAX_CHARS:
        return "too_long"
    if not words_of(question):
        return "unreadable"
    return "test_question" if index is not None and index.hits("", question) else None


def _without_duplicates(found: Iterable[Outcome], seen: set[int]) -> Iterator[Outcome]:
    for each in found:
        key = _words(each.question)
        if each.verdict == "kept" and key in seen:
            each = Outcome(each.seed_id, each.number, "duplicate", each.question)
        elif each.verdict == "kept":
            seen.add(key)
        yield each


def _words(question: str) -> int:
    """A hash of the normalised words, 64 bits."""
    return derive(0, *words_of(question))


def _row(place: int, outcome: Outcome) -> dict[str, Any]:
    return {
        "id": f"{place:07d}",
        "question": outcome.question,
        "answer": outcome.answer,
        "subject": outcome.subject,
        "level": outcome.level,
        "synthetic": True,
        "seed_id": outcome.seed_id,
        "num_agreeing": outcome.num_agreeing,
    }
