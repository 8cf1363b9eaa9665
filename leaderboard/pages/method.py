"""How the figures of the site are made: prompts, grader and estimators, each with its version."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import get_args

from harness.frontier import NUM_RESAMPLES
from harness.records import FORMAT
from leaderboard.site import Site
from leaderboard.site_files import SiteFiles
from rstar.chat import messages_of
from rstar.prompts import TEMPLATED, Layout, prompt_text, stops_of
from rstar.search.presets import PRESETS
from rstar.search.voting import TOP_K
from tasks.answers import GRADER_VERSION

METHOD_VERSION = "1"
"""Raised when a figure on the site would come out otherwise from the same records; `CHANGES` says why."""
CHANGES = (("1", "2026-11-24", "First version."),)
_QUESTION = "{question}"
_RULES = {
    "best": "the answer of the trajectory with the highest value",
    "majority": "the answer that most trajectories give; equal answers are counted together by mathematical equality",
    "weighted": "the answer with the largest sum of (value + 1) / 2 over its trajectories",
    "top_k": f"a vote among the K trajectories of highest value, K = {TOP_K} unless the run says otherwise",
    "oracle": "right where any trajectory is: what a perfect choice would reach, never ranked",
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One layout: what a model reads before its solution."""

    layout: str
    text: str
    sha256: str
    stops: tuple[str, ...]
    num_runs: int


def write(site: Site, files: SiteFiles) -> None:
    """Write `method.html`."""
    used = Counter(str(run.record.spec.layout) for run in site.runs)
    graders = Counter(run.record.inputs.grader_version for run in site.runs)
    files.page(
        "method.html",
        "method.html",
        title="Method",
        method_version=METHOD_VERSION,
        changes=CHANGES,
        record_format=FORMAT,
        grader_version=GRADER_VERSION,
        graders=sorted(graders.items()),
        prompts=[_prompt(layout, used[layout]) for layout in get_args(Layout)],
        rules=_RULES,
        presets=[(name, each.method, each.rule, each.source) for name, each in PRESETS.items()],
        num_resamples=NUM_RESAMPLES,
    )


def _prompt(layout: Layout, num_runs: int) -> Prompt:
    text = prompt_text(_QUESTION, layout)
    if layout in TEMPLATED:
        text = "\n\n".join(f"[{each['role']}]\n{each['content']}" for each in messages_of(_QUESTION, layout))
    return Prompt(
        layout,
        text,
        hashlib.sha256(text.encode()).hexdigest(),
        tuple(_visible(each) for each in stops_of(layout)),
        num_runs,
    )


def _visible(stop: str) -> str:
    return stop.replace("\n", "⏎")
