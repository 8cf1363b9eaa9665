"""lm-evaluation-harness in this process, without its hundreds of tasks and without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sum_runs import SOURCE

import tasks

OURS = Path(tasks.__file__).parent / "lm_eval"


def model_args(**changes: Any) -> str:
    """The scripted solver for sums."""
    given = {
        "engine": "scripted",
        "policy": SOURCE,
        "interpreter": "arithmetic",
        "preset": "tiny",
        "budget": 4,
        **changes,
    }
    return ",".join(f"{name}={value}" for name, value in given.items() if value is not None)


def evaluate(
    *names: str, path: Path = OURS, args: str | None = None, metadata: Any = None, **more: Any
) -> dict[str, Any]:
    """What lm-eval returns: `results` by task and metric, `samples` by task."""
    import lm_eval.models  # noqa: F401 - fills the registry
    from lm_eval.evaluator import simple_evaluate
    from lm_eval.tasks import TaskManager

    import harness.lm_eval_model  # noqa: F401 - registers the model

    manager = TaskManager(include_path=str(path), include_defaults=False, metadata=metadata)
    return simple_evaluate(
        **{"model": "rstar", "model_args": args or model_args(), "bootstrap_iters": 0, **more},
        tasks=list(names),
        task_manager=manager,
    )


def gsm8k_task(folder: Path, questions: list[tuple[str, str]]) -> Path:
    """lm-eval's own gsm8k over a local file in the form of its data set, in a folder for `include_path`."""
    import lm_eval

    rows = [{"question": question, "answer": f"We add them.\n#### {answer}"} for question, answer in questions]
    data = folder / "gsm8k.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    own = Path(lm_eval.__file__).parent / "tasks" / "gsm8k" / "gsm8k.yaml"
    (folder / "local.yaml").write_text(
        f"include: {own}\ntask: local_gsm8k\ndataset_path: json\ndataset_name: null\n"
        f"dataset_kwargs:\n  data_files: {{train: {data}, test: {data}}}\n  cache_dir: {folder / 'cache'}\n"
    )
    return folder
