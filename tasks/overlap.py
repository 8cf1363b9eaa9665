r"""Does a train pool hold test questions? An n-gram check of any stream of questions against the eval tasks.

The rule, per eval question, on words as `words_of` makes them:

| length | a train question hits when it |
|---|---|
| 13 words and more | shares at least `min_fraction` of the eval question's 13-grams and has all of its numbers |
| 8 to 12 words | contains the whole eval question as a run of words |
| 1 to 7 words | is the eval question |

13 as the longest and 8 as the shortest n-gram are those of GPT-3's check (arXiv:2005.14165, appendix C), which calls a
single shared 13-gram a hit (here: `min_fraction=0` and `with_variants=True`). Among mathematics questions that finds
stock phrases ("where m and n are relatively prime positive integers, find m + n"), so a hit needs a share of the
question, as in Llama 2's check (arXiv:2307.09288, appendix A.6).

Numbers and signs count as words, and the numbers are asked for apart because mathematics has templates: among 59,400
generated training questions, 3,071 times one shares half of an eval question's 13-grams or more, up to 91 %, and never
has its numbers. `with_variants=True` reports such pairs too. The check sees copies and light edits. It does not see
paraphrases or translations, and a clean report does not exclude them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate

from tasks.types import InputError, Task

NGRAM_WORDS = 13
SHORT_WORDS = 8
MIN_FRACTION = 0.3
"""Chosen by eye on pairs across our eval tasks, numbers equal: 11 of 12 sampled pairs with a share between 0.3 and 0.5
were the same problem, 3 of 6 between 0.2 and 0.3."""
MAX_KEPT_HITS = 1000
"""Hits that a report keeps, chosen, not tuned; all are counted and given to `on_hit`."""
_EXCERPT_CHARS = 160

_WORD = re.compile(r"\d+(?:\.\d+)?|[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+|[-+*/=<>^]")
_THOUSANDS = re.compile(r"(?<=\d)(?:,|\{,\}|,\\!)(?=\d{3}(?!\d))")
_FRACTION_OF_DIGITS = re.compile(r"(frac)\s*(\d)(\d)")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{[^{}]*\}")
_COMMAND = re.compile(r"\\(?:([A-Za-z]+)|.)", re.DOTALL)
# LaTeX that writes the same thing in another way, or only moves it about on the page.
_SAME: dict[str, str] = {
    "dfrac": " frac ",
    "tfrac": " frac ",
    "cdot": " * ",
    "times": " * ",
    "div": " / ",
    "lt": " < ",
    "gt": " > ",
    "equal": " = ",
    "rightarrow": " to ",
    "mapsto": " to ",
    **dict.fromkeys(("leq", "leqslant"), " le "),
    **dict.fromkeys(("geq", "geqslant"), " ge "),
    **dict.fromkeys(("ne", "neq"), " ne "),
    **dict.fromkeys(("dots", "ldots", "cdots"), " dots "),
    **dict.fromkeys(
        ("left", "right", "big", "Big", "bigl", "bigr", "displaystyle", "quad", "qquad", "text", "mathrm", "mbox"), " "
    ),
}
_SIGNS = str.maketrans({"−": "-", "–": "-", "×": "*", "·": "*", "÷": "/", "≤": " le ", "≥": " ge ", "≠": " ne "})


@dataclass(frozen=True, slots=True)
class Hit:
    """One train question that holds one eval question, or enough of it."""

    train_id: str
    task: str
    problem_id: str
    fraction: float
    """Of the eval question's 13-grams, those that the train question has too; 1 for a short question."""
    excerpt: str
    """The longest run of words that both share, in normalised form."""


@dataclass(slots=True)
class OverlapReport:
    """What a whole pool gave."""

    num_questions: int = 0
    """Train questions that were read."""
    num_eval_questions: int = 0
    num_contaminated: int = 0
    """Train questions with at least one hit."""
    num_hits: int = 0
    problems_hit: dict[str, set[str]] = field(default_factory=dict)
    """Eval task to the ids of its problems that were found; a task without hits has an empty set."""
    hits: list[Hit] = field(default_factory=list)
    """The first `MAX_KEPT_HITS`, in the order of the pool."""

    @property
    def is_clean(self) -> bool:
        """True when no train question hit."""
        return self.num_hits == 0


def words_of(question: str) -> list[str]:
    """The words of a question: lower case, numbers and signs kept, punctuation and LaTeX's layout left out."""
    if not question.isascii():
        question = question.translate(_SIGNS)
    if "," in question:
        question = _THOUSANDS.sub("", question)
    if "\\" in question:
        question = _FRACTION_OF_DIGITS.sub(r"\1 \2 \3", _ENVIRONMENT.sub(" ", question))
        question = _COMMAND.sub(_plain_command, question)
    return _WORD.findall(question.lower())


def _plain_command(found: re.Match[str]) -> str:
    name = found[1]
    return _SAME.get(name, f" {name} ") if name else " "


class OverlapIndex:
    """The eval questions, prepared for lookup. Holds them once as text and one 64-bit hash per n-gram."""

    def __init__(
        self, tasks: Iterable[Task], min_fraction: float = MIN_FRACTION, *, with_variants: bool = False
    ) -> None:
        """Raises InputError for a train pool among `tasks`, no task at all, or a fraction outside [0, 1]."""
        if not 0 <= min_fraction <= 1:
            raise InputError(f"min_fraction {min_fraction:g} is no share; give a number from 0 to 1")
        self._min_fraction = min_fraction
        self._with_variants = with_variants
        self._problems: list[tuple[str, str]] = []
        self._texts: list[str] = []
        self._num_grams: list[int] = []
        self._by_gram: dict[int, tuple[int, ...]] = {}
        self._by_start: dict[int, tuple[int, ...]] = {}
        self._by_text: dict[str, tuple[int, ...]] = {}
        self.task_names: list[str] = []
        for task in tasks:
            self._add(task)
        if not self._problems:
            raise InputError("no eval question to check against; name at least one eval task")

    def __len__(self) -> int:
        """How many eval questions there are."""
        return len(self._problems)

    def hits(self, train_id: str, question: str) -> list[Hit]:
        """The eval questions that `question` holds, in the order of the tasks; empty for a clean or an empty one."""
        words = words_of(question)
        text = " ".join(words)
        found: dict[int, tuple[float, str]] = {}
        self._match_long(words, text, found)
        padded = f" {text} "
        for key in map(hash, _ngrams(words, text, SHORT_WORDS)):
            for place in self._by_start.get(key, ()):
                if f" {self._texts[place]} " in padded:
                    found[place] = (1.0, _shorten(self._texts[place]))
        for place in self._by_text.get(text, ()):
            found[place] = (1.0, text)
        return [Hit(train_id, *self._problems[place], *found[place]) for place in sorted(found)]

    def _match_long(self, words: list[str], text: str, found: dict[int, tuple[float, str]]) -> None:
        known = self._by_gram
        keys = {key for key in map(hash, _ngrams(words, text, NGRAM_WORDS)) if key in known}
        if not keys:
            return
        counts = Counter(place for key in keys for place in known[key])
        grams: set[str] | None = None
        for place, count in counts.items():
            if count < self._min_fraction * self._num_grams[place]:
                continue
            if not self._with_variants and not _numbers(self._texts[place].split(" ")) <= _numbers(words):
                continue
            # The words themselves decide, so that a collision of hashes is never a hit.
            grams = grams if grams is not None else set(_ngrams(words, text, NGRAM_WORDS))
            fraction, excerpt = self._compare(place, grams)
            if fraction and fraction >= self._min_fraction:
                found[place] = (fraction, excerpt)

    def _compare(self, place: int, grams: set[str]) -> tuple[float, str]:
        """Share of the eval question's distinct 13-grams that are in `grams`, and the longest run of them."""
        text = self._texts[place]
        words = text.split(" ")
        own = _ngrams(words, text, NGRAM_WORDS)
        best = run = end = 0
        for position, gram in enumerate(own):
            run = run + 1 if gram in grams else 0
            if run > best:
                best, end = run, position
        excerpt = " ".join(words[end - best + 1 : end + NGRAM_WORDS]) if best else ""
        return len(grams & set(own)) / self._num_grams[place], _shorten(excerpt)

    def _add(self, task: Task) -> None:
        if task.role != "eval":
            raise InputError(f"task '{task.name}' is a train pool; check a pool against eval tasks only")
        self.task_names.append(task.name)
        for problem in task.problems:
            place = len(self._problems)
            words = words_of(problem.question)
            text = " ".join(words)
            grams = {hash(gram) for gram in _ngrams(words, text, NGRAM_WORDS)}
            self._problems.append((task.name, problem.id))
            self._texts.append(text)
            self._num_grams.append(len(grams))
            for gram in grams:
                self._by_gram[gram] = (*self._by_gram.get(gram, ()), place)
            if not grams and len(words) >= SHORT_WORDS:
                start = hash(" ".join(words[:SHORT_WORDS]))
                self._by_start[start] = (*self._by_start.get(start, ()), place)
            elif not grams and words:
                self._by_text[text] = (*self._by_text.get(text, ()), place)


def check_overlap(
    questions: Iterable[tuple[str, str]],
    tasks: Iterable[Task],
    min_fraction: float = MIN_FRACTION,
    *,
    with_variants: bool = False,
    on_hit: Callable[[Hit], None] | None = None,
) -> OverlapReport:
    """Check train questions, given as (id, text), against eval tasks.

    Reads `questions` once and holds none of them. `with_variants` also reports train questions that share the words of
    an eval question but not its numbers. `on_hit` gets every hit as it is found. Raises InputError as `OverlapIndex`
    does.
    """
    index = OverlapIndex(tasks, min_fraction, with_variants=with_variants)
    report = OverlapReport(num_eval_questions=len(index), problems_hit={name: set() for name in index.task_names})
    for train_id, question in questions:
        report.num_questions += 1
        hits = index.hits(train_id, question)
        report.num_contaminated += bool(hits)
        for hit in hits:
            report.num_hits += 1
            report.problems_hit[hit.task].add(hit.problem_id)
            if len(report.hits) < MAX_KEPT_HITS:
                report.hits.append(hit)
            if on_hit is not None:
                on_hit(hit)
    return report


def _ngrams(words: list[str], text: str, length: int) -> list[str]:
    """The runs of `length` words, in order, as cuts of `text`, the words joined by spaces; none of a shorter text."""
    num_grams = len(words) - length + 1
    if num_grams <= 0:
        return []
    # Where word i ends, plus its space, is where word i + 1 starts. Cutting is several times faster than joining.
    starts = [0, *accumulate(map((1).__add__, map(len, words)))]
    return [text[start : end - 1] for start, end in zip(starts[:num_grams], starts[length:], strict=True)]


def _numbers(words: list[str]) -> Counter[str]:
    """The numbers among `words`, with repeats."""
    return Counter(word for word in words if word[:1].isdecimal())


def _shorten(text: str) -> str:
    return text if len(text) <= _EXCERPT_CHARS else f"{text[: _EXCERPT_CHARS - 1]}…"
