"""`python -m harness.lm_eval ...`: lm-evaluation-harness's own command with the model `rstar` and our tasks in it.

The stock command imports no model of others. This one registers ours, adds the folder `tasks/lm_eval` unless another
one is named with --include_path, and hands over. What is wrong with model args or data is one line and exit code 2.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

from tasks.types import InputError

BAD_INPUT = 2


def main() -> None:
    """Run the command line of lm-eval on the process's own arguments."""
    if importlib.util.find_spec("lm_eval") is None:
        sys.stderr.write("error: lm_eval is not installed; install it with pip install 'rstar-bench[lm-eval]'\n")
        sys.exit(BAD_INPUT)
    _add_tasks()
    # Its models first: they fill the registry that ours goes into.
    for module in ("lm_eval.models", "harness.lm_eval_model"):
        importlib.import_module(module)
    from lm_eval.__main__ import cli_evaluate

    try:
        cli_evaluate()
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(BAD_INPUT)


def _add_tasks() -> None:
    """Our tasks, where the command names no folder of its own."""
    given = sys.argv[1:]
    if len(given) > 1 and not any(each.split("=")[0] == "--include_path" for each in given):
        import tasks

        sys.argv += ["--include_path", str(Path(tasks.__file__).parent / "lm_eval")]


if __name__ == "__main__":
    main()
