"""What the engines of a run say they have done, in lines for a report: preemptions, restarts, prefix caches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_SUMS = ("prompt_tokens", "cached_tokens", "preemptions", "restarts", "resent")
_SERVED = ("requests", "retries", "limited")
"""What a connection to a server counts, see `rstar.engines.server_link.LinkCounts`."""


def counter_lines(sessions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each engine that counts, over all sessions of a run that have ended."""
    totals: dict[str, Counter[str]] = {}
    for session in sessions:
        for role, counts in session.get("engines", {}).items():
            total = totals.setdefault(role, Counter())
            total.update({name: counts.get(name, 0) for name in (*_SUMS, *_SERVED)})
    for role, total in totals.items():
        if total["requests"]:
            yield (
                f"Server of the {role}: {total['requests']:,} requests, {total['retries']:,} of them failed and were "
                f"made again, {total['limited']:,} of those turned down as too many."
            )
            continue
        share = total["cached_tokens"] / max(1, total["prompt_tokens"])
        yield (
            f"Engine of the {role}: {share:.1%} of {total['prompt_tokens']:,} prompt tokens from its prefix cache, "
            f"{total['preemptions']:,} preemptions, {total['restarts']:,} restarts"
            + (f" ({total['resent']:,} requests sent again)." if total["resent"] else ".")
        )
