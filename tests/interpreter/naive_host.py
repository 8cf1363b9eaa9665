"""What the probes are measured against: exec in the process that asks, no isolation. Run as a script; never imported.

`naive_host.py boss SECONDS`: stdin holds a JSON list of programs, each a list of steps. The boss starts a child that
executes them one after the other, waits at most SECONDS, and prints one JSON line per program that was answered.
"""

import ast
import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import time

MEMORY = 4 << 30
"""Bytes; so that an endless bomb does not hurt the machine before its time is up."""


def execute(steps: list[str]) -> dict[str, object]:
    started = time.perf_counter()
    out, space, status, error = io.StringIO(), {"__name__": "__main__"}, "ok", ""
    try:
        with contextlib.redirect_stdout(out):
            for step in steps:
                run(step, space)
    except Exception as e:  # noqa: BLE001 - the border around one program
        status, error = "error", f"{type(e).__name__}: {e}"
    return {"status": status, "stdout": out.getvalue(), "error": error, "seconds": time.perf_counter() - started}


def run(step: str, space: dict[str, object]) -> None:
    tree = ast.parse(step)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<step>", "exec"), space)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), "<step>", "eval"), space)
        if value is not None:
            print(str(value))


def send(record: dict[str, object]) -> None:
    os.write(CHANNEL, json.dumps(record).encode() + b"\n")


def worker() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    for program in json.loads(sys.stdin.read()):
        send(execute(program))


def boss(seconds: float) -> None:
    r, w = os.pipe()
    os.set_inheritable(w, True)
    child = subprocess.Popen(
        [sys.executable, __file__, "worker", str(w)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=False,
    )
    os.close(w)
    child.stdin.write(sys.stdin.buffer.read())
    child.stdin.close()
    collect(r, child, time.monotonic() + seconds)


def collect(channel: int, child: subprocess.Popen, deadline: float) -> None:
    os.set_blocking(channel, False)
    answered = b""
    while time.monotonic() < deadline:
        ended = child.poll() is not None
        try:
            while piece := os.read(channel, 1 << 20):
                answered += piece
        except BlockingIOError:
            pass
        if ended:
            break
        time.sleep(0.01)
    child.kill()
    child.wait()
    os.write(1, answered)


if __name__ == "__main__":
    if sys.argv[1] == "boss":
        boss(float(sys.argv[2]))
    else:
        CHANNEL = int(sys.argv[2])
        worker()
