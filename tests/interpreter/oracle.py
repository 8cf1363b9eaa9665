"""Plain CPython as the judge. Run as a script; reads a JSON list of programs, prints a JSON list of their outputs.

Each program runs in a fork of its own, its steps one after the other in one namespace, its output through a real
descriptor; nothing of the jail is imported.
"""

import json
import os
import sys
import tempfile
import traceback


def run(steps: list[str], out: int) -> None:
    os.dup2(out, 1)
    space = {"__name__": "__main__", "__builtins__": __builtins__}
    try:
        for step in steps:
            exec(compile(step, "<step>", "exec"), space)
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - the border around one program
        traceback.print_exc()
        os.write(1, b"RAISED")
    os._exit(0)


def main() -> None:
    outputs = []
    for steps in json.load(sys.stdin):
        with tempfile.TemporaryFile() as file:
            if (child := os.fork()) == 0:
                run(steps, file.fileno())
            os.waitpid(child, 0)
            file.seek(0)
            outputs.append(file.read().decode())
    print(json.dumps(outputs))


if __name__ == "__main__":
    import mpmath  # noqa: F401
    import numpy  # noqa: F401
    import scipy.integrate
    import scipy.optimize
    import scipy.stats  # noqa: F401
    import sympy  # noqa: F401

    main()
