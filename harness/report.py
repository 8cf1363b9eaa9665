"""The report of a run, as lines for a terminal or as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.engine_counters import counter_lines
from harness.grade_summary import aligned
from harness.run_progress import clock
from harness.run_summary import ORACLE, Cost, Point, RunSummary
from harness.spec import NO_REWARD

RULE_TITLES = {
    "best": "best score",
    "majority": "majority",
    "weighted": "weighted vote",
    "top_k": "top-K vote",
    ORACLE: "oracle",
}


def report_lines(summary: RunSummary, *, markdown: bool = False) -> Iterator[str]:
    """What was run, whether it is complete, accuracy by budget and rule, what was not answered, and the cost."""
    table = markdown_table if markdown else aligned
    yield from _header(summary, markdown=markdown)
    yield ""
    yield "Accuracy in %, with its 95 % interval" + (
        " (the first rule is the run's own)" if _num_rules(summary) else ""
    )
    yield ""
    yield from table(_accuracy_rows(summary))
    yield ""
    yield f"Not answered, by {RULE_TITLES[summary.record.spec.rule]}, % of all searches; endings, % of trajectories"
    yield ""
    yield from table(_failure_rows(summary))
    yield ""
    yield "Cost per problem, mean"
    yield ""
    yield from table(_cost_rows(summary))
    notes = list(_notes(summary))
    if notes:
        yield ""
        yield from map(markdown_text, notes) if markdown else notes


def headline(summary: RunSummary) -> str:
    """The run's own rule at its largest budget, in one line."""
    spec = summary.record.spec
    point = summary.point(spec.rule, spec.budgets[-1])
    total = sum(point.counts.values())
    return (
        f"{RULE_TITLES[spec.rule]} at {spec.budgets[-1]}: {point.accuracy.text()} % "
        f"({point.counts['correct']} of {total} right)"
    )


def _header(summary: RunSummary, *, markdown: bool) -> Iterator[str]:
    record, spec = summary.record, summary.record.spec
    title = f"{record.id} on {record.task_name}"
    yield f"# {markdown_text(title)}" if markdown else title
    if markdown:
        yield ""
    seeds = f"seed {spec.seeds[0]}" if len(spec.seeds) == 1 else f"seeds {', '.join(map(str, spec.seeds))}"
    part = "" if record.num_problems == record.num_task_problems else f" of {record.num_task_problems:,}"
    models = f"policy {spec.policy}, PPM {spec.ppm}{f', ORM {spec.orm}' if spec.orm != NO_REWARD else ''}"
    models = markdown_text(models) if markdown else models
    yield (
        f"{spec.method}{f' (preset {spec.preset})' if spec.preset else ''}, {record.num_problems:,}{part} problems, "
        f"{seeds}, {models}"
    )
    if not summary.is_complete:
        partial = (
            f"PARTIAL: {summary.num_done:,} of {record.num_records:,} searches done, {summary.num_failed:,} failed, "
            f"{summary.num_missing:,} missing; both count as wrong below"
        )
        yield f"**{partial}**" if markdown else partial


def _accuracy_rows(summary: RunSummary) -> list[list[str]]:
    titles = [RULE_TITLES[rule] for rule in summary.rules]
    return [["trajectories", *titles]] + [
        [str(budget), *(summary.point(rule, budget).accuracy.text() for rule in summary.rules)]
        for budget in summary.record.spec.budgets
    ]


def _failure_rows(summary: RunSummary) -> list[list[str]]:
    rows = [
        ["trajectories", "no answer", "grader error", "engine failed", "missing", "truncated", "code error", "other"]
    ]
    for budget in summary.record.spec.budgets:
        point, cost = summary.point(summary.record.spec.rule, budget), summary.cost(budget)
        shares = [_share(point, name) for name in ("no_answer", "grader_error", "failed", "missing")]
        rows.append([str(budget), *shares, *(f"{100 * share:.1f}" for share in _endings(cost))])
    return rows


def _endings(cost: Cost) -> tuple[float, float, float]:
    """Shares of truncated trajectories, of those that a failed program ended, and of other unfinished ones."""
    known = cost.endings
    other = sum(share for name, share in known.items() if name not in ("answered", "truncated", "code_error"))
    return known.get("truncated", 0.0), known.get("code_error", 0.0), other


def _share(point: Point, name: str) -> str:
    return f"{100 * point.counts[name] / sum(point.counts.values()):.1f}"


def _cost_rows(summary: RunSummary) -> list[list[str]]:
    rows = [["trajectories", "tokens written", "read", "of it cached", "PPM tokens", "programs", "seconds"]]
    for cost in map(summary.cost, summary.record.spec.budgets):
        used = cost.usage
        rows.append(
            [
                f"{cost.budget}"
                if cost.trajectories in (0.0, cost.budget)
                else f"{cost.budget} ({cost.trajectories:.1f})",
                *(
                    f"{used[name]:,.0f}"
                    for name in ("completion_tokens", "prompt_tokens", "cached_tokens", "reward_tokens")
                ),
                f"{used['executions']:,.1f}",
                f"{used['wall_seconds']:,.1f}",
            ]
        )
    return rows


def _notes(summary: RunSummary) -> Iterator[str]:
    for session in summary.record.sessions:
        if told := session.get("imported"):
            yield f"Imported from {told['file']} of {told['tool']}: the costs above are not known and stand as 0."
    if summary.wall_seconds:
        device = summary.record.sessions[-1]["device"]
        yield f"Wall time of the searches {clock(summary.wall_seconds)} on {device}."
    yield from counter_lines(summary.record.sessions)
    if summary.num_saved:
        share = summary.num_saved / (summary.num_done * summary.record.spec.budgets[-1])
        yield f"The adaptive stop saved {summary.num_saved:,} trajectories ({100 * share:.0f} %)."
    if any("dirty" in commit or commit == "unknown" for commit in summary.commits()):
        yield f"Not reproducible from a commit: {', '.join(summary.commits())}."
    elif len(summary.commits()) > 1:
        yield f"MIXED: its sessions ran on different commits: {', '.join(summary.commits())}."
    for error, count in summary.errors.most_common(3):
        yield f"Engine failed on {count:,}: {' '.join(error.split())[:200]}"


def _num_rules(summary: RunSummary) -> bool:
    return len(summary.record.spec.rules) > 1


def markdown_table(rows: Sequence[Sequence[str]], num_left: int = 0) -> Iterator[str]:
    """The rows as a Markdown table, the first `num_left` columns flush left and the others flush right."""
    yield f"| {' | '.join(map(markdown_text, rows[0]))} |"
    yield f"|{'|'.join(['---'] * num_left + ['---:'] * (len(rows[0]) - num_left))}|"
    for row in rows[1:]:
        yield f"| {' | '.join(map(markdown_text, row))} |"


def markdown_text(text: str) -> str:
    """A text that stays on its line and in its cell, and is shown as it is."""
    return text.translate(_MARKDOWN)


_MARKDOWN = {ord(each): f"\\{each}" for each in "\\|<`*"} | {ord("\n"): " "}
