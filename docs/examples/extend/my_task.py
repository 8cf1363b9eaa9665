"""A task is problems, and apart from them their answers. This one is made by a function; a file needs no code."""

from collections.abc import Iterator

from tasks.answers import extract, grade
from tasks.benchmark import Item, build_task
from tasks.types import Source


def squares() -> Iterator[Item]:
    """Ten problems with ids that never change."""
    for number in range(11, 21):
        yield Item(f"{number:02}", f"What is ${number}^2$?", str(number**2), level="1")


SOURCE = Source(location="docs/examples/extend/my_task.py", sha256="0" * 64, licence="MIT", homepage="none")
TASK = build_task("squares", "1", "eval", SOURCE, squares())

if __name__ == "__main__":
    problem = TASK.problems[2]
    print(problem.id, problem.question)
    reply = r"So the answer is $\boxed{1.69 \cdot 10^2}$."
    verdict = grade(extract(reply), TASK.answers[problem.id]).verdict
    print(verdict)
    assert (problem.id, verdict) == ("squares/13", "correct")
