"""A reward model is anything with `score`. This one prefers solutions whose programs are short."""

import asyncio
from collections.abc import Sequence

from rstar.types import Execution, Scores, Step, Trajectory
from tasks.types import Problem


class ShortPrograms:
    """1 for no code at all, falling towards -1 as code grows."""

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """One value in [-1, 1] for each trajectory, in the same order."""
        lines = [sum(step.code.count("\n") + 1 for step in each.steps if step.code) for each in trajectories]
        return Scores(tuple(2 / (1 + number) - 1 for number in lines), tokens=0, cached_tokens=0, seconds=0.0)


def with_code(code: str) -> Trajectory:
    """A solution of one step."""
    step = Step(f"<code>\n{code}\n<end_of_step>", code, Execution("ok", "", "", 0.0))
    return Trajectory(Problem("demo/1", "What is 1 + 1?"), (step,))


async def main() -> None:
    """Score two solutions of different length."""
    scores = await ShortPrograms().score([with_code("print(1 + 1)"), with_code("a = 1\nb = 1\nprint(a + b)")])
    print("values:", *scores.values)
    assert scores.values == (0.0, -0.5)


if __name__ == "__main__":
    asyncio.run(main())
