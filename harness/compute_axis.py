"""What a budget had cost, on the axis that a curve is drawn against.

- `trajectories`: the budget itself.
- `tokens`: tokens that the policy wrote.
- `flops`: 2 x parameters x tokens, the forward pass of Kaplan et al. 2020 (arXiv 2001.08361, section 2.1), for the
  policy's tokens read and written plus the reward model's tokens read. Tokens that a prefix cache held are not
  computed again and not counted. Attention over the context is left out, as it is there; so are the programs.
- `gpu-seconds`: the time the run held its device, shared out among the searches by how long each waited for it.
- `wall`: seconds from a search's begin, while other searches went on beside it.

Each is a mean per problem and seed over the records that are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from harness.model_size import size_of_run_model
from harness.run_summary import RunSummary
from harness.spec import NO_REWARD
from tasks.types import InputError

Axis = Literal["trajectories", "tokens", "flops", "gpu-seconds", "wall"]
AXIS_TITLES: dict[Axis, str] = {
    "trajectories": "Trajectories per problem",
    "tokens": "Tokens written by the policy, mean per problem",
    "flops": "FLOPs, mean per problem (estimate: 2 × parameters × tokens)",
    "gpu-seconds": "Device-seconds, mean per problem (estimate from the run's time)",
    "wall": "Seconds per search, mean (many searches run at a time)",
}
SHORT_TITLES: dict[Axis, str] = {
    "trajectories": "trajectories",
    "tokens": "tokens written",
    "flops": "FLOPs",
    "gpu-seconds": "device-seconds",
    "wall": "seconds",
}
UNITS: dict[Axis, str] = {
    "trajectories": "trajectories",
    "tokens": "tokens",
    "flops": "FLOPs",
    "gpu-seconds": "device time",
    "wall": "time",
}
"""What doubles in "points per doubling of …"."""


@dataclass(frozen=True, slots=True)
class GivenSizes:
    """Parameters as the user states them, for runs whose models are not on this machine."""

    policy: int | None = None
    reward: int | None = None
    """Of the PPM or the ORM."""


@dataclass(frozen=True, slots=True)
class ModelSizes:
    """Parameters of one run's models, and where the numbers come from."""

    policy: int
    reward: int
    """Of PPM or ORM; 0 without a reward model."""
    source: str

    def flops(self, usage: dict[str, float]) -> float:
        """Floating-point operations for these mean counts of `rstar.types.Usage`."""
        policy_tokens = usage["prompt_tokens"] - usage["cached_tokens"] + usage["completion_tokens"]
        reward_tokens = usage["reward_tokens"] - usage["cached_reward_tokens"]
        return 2 * self.policy * policy_tokens + 2 * self.reward * reward_tokens


def axis_values(summary: RunSummary, axis: Axis, given: GivenSizes | None = None) -> list[float]:
    """What each budget of the run had cost on `axis`; all above 0.

    Raises InputError for an axis on which nothing was measured, and for FLOPs of models of unknown size.
    """
    budgets = summary.record.spec.budgets
    usages = [summary.cost(budget).usage for budget in budgets]
    if axis == "trajectories":
        return [float(budget) for budget in budgets]
    if axis == "tokens":
        values = [usage["completion_tokens"] for usage in usages]
    elif axis == "wall":
        values = [usage["wall_seconds"] for usage in usages]
    elif axis == "flops":
        values = list(map(model_sizes(summary, given or GivenSizes()).flops, usages))
    else:
        share = _device_share(summary)
        values = [usage["engine_seconds"] * share for usage in usages]
    if min(values) <= 0:
        raise InputError(f"--x {axis}: the records of {summary.record.id} hold none; use --x trajectories")
    return values


def model_sizes(summary: RunSummary, given: GivenSizes) -> ModelSizes:
    """The sizes of the run's models: read from their weights where they are here, else as given.

    Raises InputError where neither is known, and for a PPM and an ORM of different sizes, whose tokens are recorded
    together.
    """
    record, spec, inputs = summary.record, summary.record.spec, summary.record.inputs
    policy, source = _model_size(record.id, "policy", spec.policy, inputs.policy_sha256, given.policy)
    sources, rewards = [source], []
    for role, name, sha256 in (("ppm", spec.ppm, inputs.ppm_sha256), ("orm", spec.orm, inputs.orm_sha256)):
        if name != NO_REWARD:
            size, source = _model_size(record.id, role, name, sha256, given.reward)
            rewards.append(size)
            sources.append(source)
    if len(set(rewards)) > 1:
        raise InputError(
            f"--x flops: {record.id} records the tokens of its PPM and its ORM together, and the two differ in size "
            f"({rewards[0]:,} and {rewards[1]:,} parameters); use --x tokens or wall"
        )
    return ModelSizes(policy, max(rewards, default=0), "; ".join(sources))


def _model_size(run: str, role: str, name: str, sha256: str, stated: int | None) -> tuple[int, str]:
    size, source = size_of_run_model(name, role, sha256)
    if size is None:
        flag = "--policy-params" if role == "policy" else "--ppm-params"
        if stated is None:
            raise InputError(
                f"--x flops: the parameters of the {role} of {run} are unknown ({source}); state them with {flag}, "
                f"e.g. {flag} 7.6B"
            )
        size, source = stated, f"stated with {flag}"
    return size, f"{role} {size:,} parameters ({source})"


def _device_share(summary: RunSummary) -> float:
    """Device-seconds for a second that a search waited for its engines, above 0 and at most 1.

    Many searches wait at a time for one device, so the time they waited adds up to more than the device's. All of the
    run's time is shared out; a run that kept its device waiting is charged for what it waited for alone.
    """
    waited = summary.cost(summary.record.spec.budgets[-1]).usage["engine_seconds"] * summary.num_done
    return min(1.0, _run_seconds(summary) / waited) if waited > 0 else 0.0


def _run_seconds(summary: RunSummary) -> float:
    """How long the sessions of the run took; one that was killed or goes on, up to the last record in it."""
    sessions = summary.record.sessions
    starts = [session["started"] for session in sessions]
    return sum(
        session["seconds"]
        if session["seconds"] is not None
        else _until_last(start, [each for each in summary.finished if start <= each < following])
        for session, start, following in zip(sessions, starts, [*starts[1:], "9999"], strict=True)
    )


def _until_last(start: str, finished: Sequence[str]) -> float:
    if not finished:
        return 0.0
    return (datetime.fromisoformat(max(finished)) - datetime.fromisoformat(start)).total_seconds()
