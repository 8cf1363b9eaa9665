"""A results folder with one run, really searched, in which every text is hostile: ids, questions, steps, answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from harness.run import Options, plan_run, run
from harness.spec_fields import make_spec

SOURCE = Path(__file__).with_name("hostile_source.py")
ID = "<b onclick=alert(1)>p&0</b>"
QUESTION = r"""<script>document.title='owned'</script> What is $1 + 1$? It costs $4 or $5.
$\href{javascript:document.title='owned'}{click}$ $\htmlStyle{color:red}{x}$ $\frac{1}{$ \[\sum_{i=1}^n i\]"""


def hostile_results(folder: Path) -> Path:
    """The results folder; its run has the trees of all problems in `trees/` too."""
    task = folder / "hostile.jsonl"
    rows = [
        {"id": ID, "question": QUESTION, "answer": "2"},
        {"id": "p1", "question": "What is $1 + 2$?", "answer": "3"},
        {"id": "p2", "question": "What is $1 + 3$?", "answer": "4"},
    ]
    task.write_text("".join(json.dumps(row) + "\n" for row in rows))
    spec = make_spec(
        {
            "task": f"user:{task}", "engine": "scripted", "policy": str(SOURCE), "interpreter": "arithmetic",
            "preset": "tiny", "budgets": [1, 2, 4, 8], "search": {"num_candidates": 5}, "trees": "full",
        }
    )  # fmt: skip
    run(plan_run(spec, folder / "results"), Options(concurrency=1))
    return folder / "results"


if __name__ == "__main__":
    from leaderboard.build import build
    from leaderboard.site_options import SiteOptions

    folder = Path(sys.argv[1])
    build(hostile_results(folder), folder / "site", SiteOptions(trees="journals", with_questions=True, workers=1))
