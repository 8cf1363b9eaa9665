"""The types of a solution in the making: candidate, execution, step, trajectory, cost and search result.

None of them holds a reference answer, so nothing that a search returns or passes on can contain one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tasks.types import Problem

if TYPE_CHECKING:
    from rstar.search.tree import Node

ExecutionStatus = Literal["ok", "error", "timeout", "memory", "refused"]
"""How a program ended: it finished; it raised; its time or its memory ran out; it was not run or broke a rule."""
Ending = Literal["open", "answered", "max_depth", "code_error", "unparsable", "truncated"]
"""Why a trajectory stopped; `open` while it can still be continued."""
StopReason = Literal["budget", "certain", "posterior"]
"""Why a search ended: its budget was spent, or an adaptive rule found that more would not change the answer."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One raw continuation that a policy proposed for a prefix."""

    text: str
    """What was generated, the stop string included where one fired."""
    token_ids: tuple[int, ...]
    """The tokens of `text`, as they were generated: what a prompt that goes on from here has to repeat. Empty where
    the engine has none (a text-only server), and where `text` ends inside of a token."""
    num_tokens: int
    """Tokens generated, one that ended it without a text included."""
    logprob: float | None
    """Sum of the token log-probabilities, in nats, at most 0; None where the engine did not compute it."""
    stop: str | None
    """The stop string that ended it, `eos` for the end-of-text token, None where the length cap cut it off."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A policy's reply to one request, and what the request cost."""

    candidates: tuple[Candidate, ...]
    """As many as were asked for, in the order of the request's random stream; texts may repeat."""
    prompt_tokens: int
    """Tokens of the prompt, once, however many candidates were drawn from it."""
    cached_tokens: int
    """The part of `prompt_tokens` that a prefix cache held."""
    seconds: float
    """Wall time of the request."""


@dataclass(frozen=True, slots=True)
class Scores:
    """A reward model's reply to one request, and what the request cost."""

    values: tuple[float, ...]
    """One value in [-1, 1] for each trajectory asked about, in the same order."""
    tokens: int
    """Tokens read, cached ones included; 0 for a reward that reads none."""
    cached_tokens: int
    """The part of `tokens` that a prefix cache held."""
    seconds: float
    """Wall time of the request."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What one program did."""

    status: ExecutionStatus
    stdout: str
    """What it printed before it ended, within the output cap."""
    error: str
    """Type and message of the exception, or which limit was exceeded; empty when `status` is `ok`."""
    seconds: float
    """Wall time of the program; of the first run where the result was remembered."""


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a solution: words and code, and what the code did."""

    text: str
    """The step as the policy wrote it, markers included."""
    code: str
    """The Python in it, markers and fences removed; empty for an answer step."""
    execution: Execution | None = None
    """None for a step that has no code to run."""
    token_ids: tuple[int, ...] = ()
    """The tokens of `text` in which the policy wrote it, see `Candidate.token_ids`; for that policy's prompts alone."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A problem and the steps taken so far, from the first to the last."""

    problem: Problem
    steps: tuple[Step, ...] = ()
    ending: Ending = "open"
    answer: str | None = None
    """The extracted answer; None unless `ending` is `answered`."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a search has cost up to some moment. All fields only grow."""

    prompt_tokens: int = 0
    """Policy tokens read, cached ones included."""
    cached_tokens: int = 0
    """The part of `prompt_tokens` that a prefix cache held."""
    completion_tokens: int = 0
    """Policy tokens written, those of dropped candidates included."""
    reward_tokens: int = 0
    """Tokens read by the reward model, cached ones included."""
    cached_reward_tokens: int = 0
    """The part of `reward_tokens` that a prefix cache held."""
    requests: int = 0
    """Requests to the policy."""
    candidates: int = 0
    """Continuations asked for."""
    scored: int = 0
    """Trajectories that the reward model was asked about."""
    executions: int = 0
    """Programs asked for, remembered ones included."""
    engine_seconds: float = 0.0
    """Time spent waiting for policy and reward, summed over requests."""
    wall_seconds: float = 0.0
    """Time since the search began."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The finished trajectories of one problem, in order of completion.

    `trajectories`, `values` and `usage_at` have one entry per trajectory, so the first n entries are the result at a
    budget of n. A trajectory without an answer is one too: a rollout that found none has spent its turn.
    """

    problem_id: str
    trajectories: tuple[Trajectory, ...]
    values: tuple[float, ...]
    """Reward of each trajectory's end, in [-1, 1]; -1 for one that ended without an answer."""
    usage_at: tuple[Usage, ...]
    """The cost when each trajectory was finished."""
    budget: int = 0
    """Trajectories asked for; more than there are only where an adaptive rule ended the search."""
    stop: StopReason = "budget"
    num_duplicates: int = 0
    """Candidates dropped because a sibling was the same, and answers because a sibling boxed the same."""
    trees: tuple[Node, ...] = ()
    """Roots of the search trees, in order; empty for a search that keeps none."""

    @property
    def num_saved(self) -> int:
        """Trajectories of the budget that an adaptive rule did not spend."""
        return self.budget - len(self.trajectories) if self.budget else 0
