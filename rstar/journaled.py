"""Engines behind a journal: each request is answered from it where it can be, and written to it where it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rstar.journal import Journal
from rstar.prompts import solution_text
from rstar.protocols import Interpreter, Policy, RewardModel
from rstar.types import Candidate, Execution, Proposal, Scores, Step, Trajectory


@dataclass(frozen=True, slots=True)
class JournaledPolicy:
    """`policy`, for one problem, behind its journal."""

    policy: Policy
    journal: Journal

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        """The policy's proposal; told apart by prefix, number, seed and temperature."""

        async def ask() -> list[object]:
            proposal = await self.policy.propose(prefix, num_candidates, seed, temperature)
            candidates = [
                [each.text, each.token_ids, each.num_tokens, each.logprob, each.stop] for each in proposal.candidates
            ]
            return [candidates, proposal.prompt_tokens, proposal.cached_tokens, proposal.seconds]

        request = (solution_text(prefix), str(num_candidates), str(seed), repr(temperature))
        candidates, *cost = await self.journal.answer("proposal", request, ask)
        return Proposal(tuple(Candidate(text, tuple(ids), *rest) for text, ids, *rest in candidates), *cost)


@dataclass(frozen=True, slots=True)
class JournaledReward:
    """`reward`, for one problem, behind its journal."""

    reward: RewardModel
    journal: Journal

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """The reward's scores; told apart by the solutions asked about, in order."""

        async def ask() -> list[object]:
            scores = await self.reward.score(trajectories)
            return [scores.values, scores.tokens, scores.cached_tokens, scores.seconds]

        values, *cost = await self.journal.answer("scores", list(map(solution_text, trajectories)), ask)
        return Scores(tuple(values), *cost)


@dataclass(frozen=True, slots=True)
class JournaledInterpreter:
    """`interpreter`, for one problem, behind its journal."""

    interpreter: Interpreter
    journal: Journal

    async def run(self, prefix: Sequence[Step], code: str) -> Execution:
        """The interpreter's execution; told apart by the codes of the prefix and the code."""

        async def ask() -> list[object]:
            execution = await self.interpreter.run(prefix, code)
            return [execution.status, execution.stdout, execution.error, execution.seconds]

        request = [*(step.code for step in prefix), code]
        return Execution(*await self.journal.answer("execution", request, ask))
