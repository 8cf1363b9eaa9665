"""One step further: ask the policy, read what it wrote, run it, score it. Every search is built from these."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from rstar.ledger import Ledger
from rstar.prompts import END_ANSWER, ParsedStep, parse_step, program_so_far
from rstar.protocols import Interpreter, Policy, RewardModel
from rstar.search.config import SearchConfig
from rstar.seeds import derive
from rstar.types import Candidate, Ending, Step, Trajectory

FAILED = -1.0
"""Value of a trajectory that ended without an answer: the released `negative_reward`, the worst a value can be."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """A trajectory that is one step longer, and the candidate that made it so."""

    trajectory: Trajectory
    candidate: Candidate


@dataclass(slots=True)
class Stepper:
    """The engines, as one problem's search sees them: addressed by place, and on the ledger."""

    policy: Policy
    reward: RewardModel
    interpreter: Interpreter
    config: SearchConfig
    seed: int
    ledger: Ledger
    num_duplicates: int = 0

    async def continuations(
        self,
        prefix: Trajectory,
        num_candidates: int,
        address: Sequence[int],
        only_first_answer: bool = False,
    ) -> list[Continuation]:
        """Up to `num_candidates` distinct trajectories, one step longer than `prefix`, their programs run.

        `address` is the place in the search; with the problem's id it seeds the request. Of equal texts, and of
        answers with equal content in the box, the first is kept and the others are counted in `num_duplicates`.
        With `only_first_answer` the first finished answer takes the place of all candidates (released code).
        """
        seed = derive(self.seed, prefix.problem.id, *address)
        proposal = await self.policy.propose(prefix, num_candidates, seed, self.config.temperature)
        if len(proposal.candidates) != num_candidates:
            raise ValueError(
                f"the policy gave {len(proposal.candidates)} candidates where {num_candidates} were asked for"
            )
        self.ledger.add_proposal(proposal)
        first_of_each: dict[str, Candidate] = {}
        for candidate in proposal.candidates:
            first_of_each.setdefault(candidate.text, candidate)
        steps = [(each, parse_step(each.text, each.stop)) for each in first_of_each.values()]
        if only_first_answer:
            answers = [step for step in steps if step[0].text.endswith(END_ANSWER)]
            self.num_duplicates += len(proposal.candidates) - len(steps)
            return await self._run(prefix, answers[:1] or steps)
        steps = _distinct_answers(steps)
        self.num_duplicates += len(proposal.candidates) - len(steps)
        return await self._run(prefix, steps)

    async def values(self, trajectories: Sequence[Trajectory]) -> list[float]:
        """The reward of each trajectory: asked for where it is open or answered, `FAILED` where it is neither."""
        asked = [trajectory for trajectory in trajectories if trajectory.ending in ("open", "answered")]
        if not asked:
            return [FAILED] * len(trajectories)
        scores = await self.reward.score(asked)
        self.ledger.add_scores(scores)
        values = iter(scores.values)
        return [next(values) if each.ending in ("open", "answered") else FAILED for each in trajectories]

    async def _run(self, prefix: Trajectory, steps: Sequence[tuple[Candidate, ParsedStep]]) -> list[Continuation]:
        """Run the code of the steps that have some, all at once, and append each step to the prefix."""
        program = program_so_far(prefix.steps)
        jobs = [self.interpreter.run(program, parsed.code) for _, parsed in steps if parsed.code]
        self.ledger.add_executions(len(jobs))
        executions = iter(await asyncio.gather(*jobs))
        continuations = []
        for each, parsed in steps:
            execution = next(executions) if parsed.code else None
            step = Step(each.text, parsed.code, execution, each.token_ids)
            continuations.append(Continuation(self._extended(prefix, step, parsed), each))
        return continuations

    def _extended(self, prefix: Trajectory, step: Step, parsed: ParsedStep) -> Trajectory:
        steps = (*prefix.steps, step)
        return Trajectory(prefix.problem, steps, self._ending(steps, parsed), parsed.answer)

    def _ending(self, steps: tuple[Step, ...], parsed: ParsedStep) -> Ending:
        match parsed.kind:
            case "answer":
                return "answered"
            case "unparsable" | "truncated" as failure:
                return failure
        if errors_in_a_row(steps) >= self.config.errors_threshold:
            return "code_error"
        return "max_depth" if len(steps) > self.config.max_depth else "open"


def errors_in_a_row(steps: Sequence[Step]) -> int:
    """Number of steps at the end whose program failed."""
    count = 0
    for step in reversed(steps):
        if step.execution is None or step.execution.status == "ok":
            break
        count += 1
    return count


def _distinct_answers(steps: list[tuple[Candidate, ParsedStep]]) -> list[tuple[Candidate, ParsedStep]]:
    """`steps` without the answers that box what an earlier one boxes: other words for the same end."""
    seen: set[str] = set()
    kept: list[tuple[Candidate, ParsedStep]] = []
    for candidate, parsed in steps:
        if parsed.answer is not None:
            if parsed.answer in seen:
                continue
            seen.add(parsed.answer)
        kept.append((candidate, parsed))
    return kept
