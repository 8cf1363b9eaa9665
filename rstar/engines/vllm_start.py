"""Starting vLLM so that it leaves nothing behind: its output in a file, its process ended with ours, however ours ends.

vLLM runs its engine in a process of its own, which lives on where its parent is killed. `Guard` is a shell that waits
for the end of a pipe of which this process has the other end; when that closes, however that came about, it kills what
it was told of. So SIGTERM or SIGKILL leave no engine and no GPU memory taken, also while a model loads.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rstar.engines.worker import EngineError
from tasks.types import InputError

if TYPE_CHECKING:
    from vllm.v1.engine.async_llm import AsyncLLM

_GUARD = 'while read -r one; do pids="$pids $one"; done; [ -z "$pids" ] || kill -9 $pids 2>/dev/null'
_POLL_SECONDS = 0.005
"""Between two looks for the process that vLLM starts. Chosen, not tuned."""
_CORE = "EngineCore"
"""Beginning of the name that vLLM gives to its engine's process."""
_LOG_TAIL_BYTES = 1 << 18
_LOGGING_PATH = "VLLM_LOGGING_CONFIG_PATH"
"""A user who has set it gets vLLM's log where it says."""


_REAP_SECONDS = 5.0
"""For a process to be gone after SIGKILL. Chosen: one that waits for a disk may take that long."""


class Guard:
    """Kills processes when this one is gone."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def watch(self, pid: int) -> None:
        """Kill `pid` too when this process ends."""
        self.pids.append(pid)
        assert self._shell.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._shell.stdin.write(f"{pid}\n".encode())
            self._shell.stdin.flush()

    def kill(self) -> None:
        """Kill now what is watched."""
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in multiprocessing.active_children():
            if process.pid in self.pids:
                process.join(_REAP_SECONDS)  # else it stays as a zombie for as long as this process lives

    def dismiss(self) -> None:
        """End the guard; what it watched lives on."""
        self._shell.kill()
        self._shell.wait()
        assert self._shell.stdin is not None
        self._shell.stdin.close()


def start_engine(
    name: str,
    arguments: Mapping[str, Any],
    changes: Mapping[str, str],
    log: Path,
    guard: Guard,
    stat_loggers: list[Callable[..., Any]],
) -> AsyncLLM:
    """An engine that is ready. `changes` are environment variables of its process, `log` takes all that it prints.

    Raises InputError for what the user can mend, EngineError for anything else.
    """
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    with environment_of({**changes, **_logging(log)}):
        try:
            config = AsyncEngineArgs(**arguments).create_engine_config()
            with _child_output(log, guard):
                return AsyncLLM.from_vllm_config(config, stat_loggers=stat_loggers, disable_log_stats=True)
        except InputError:
            raise
        except Exception as error:
            raise reason_of(name, error, log) from error


def reason_of(name: str, error: BaseException, log: Path) -> InputError | EngineError:
    """Why an engine did not start, in one line: vLLM's own last error, which its process printed, and what to do."""
    reason = last_error(log) or " ".join(str(error).split())[:300] or type(error).__name__
    for pattern, advice in _ADVICE:
        if re.search(pattern, reason, re.IGNORECASE):
            return InputError(f"{name}: {advice} (vLLM: {reason})")
    return EngineError(f"{name}: vLLM did not start: {reason} (its log: {log})")


_ADVICE = (
    (
        r"max(imum)? seq(uence)? len|at least one request|KV cache is needed",
        (
            "the memory for keys and values does not hold one sequence of the whole context; give a smaller "
            "--max-context-tokens, or more memory with --kv-memory-mb or --vllm gpu_memory"
        ),
    ),
    (
        r"free memory on device|no available memory|out of memory|available memory",
        (
            "the GPU's memory is too small for the model and its share of it; free the GPU, give another "
            "--vllm gpu_memory, spread the model with --vllm tensor_parallel, or take a smaller model"
        ),
    ),
    (
        r"max_model_len|derived max|max_position_embeddings",
        "the model's context is shorter than asked for; give a smaller --max-context-tokens",
    ),
    (
        r"world size|tensor parallel|attention heads",
        "the model does not spread over that many GPUs; give another --vllm tensor_parallel",
    ),
    (
        r"not supported|no model architectures|unrecognized",
        "vLLM does not serve this architecture; use --engine transformers",
    ),
)
"""Patterns of vLLM's messages, and what a user can do."""

_ERROR = re.compile(
    r"^(?:\([^)]*\) )?(?:(?:ERROR|CRITICAL) [^\[]*\[[^\]]*\] )?((?:[\w.]+\.)?\w*(?:Error|Exception)): (.+)$"
)
_NO_REASON = ("See root cause", "See stack trace", "initialization failed", "Exception: WorkerProc")


def last_error(log: Path) -> str:
    """The last error in a log that says more than that there was one; empty where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    found = [match for match in map(_ERROR.match, lines) if match]
    said = [f"{match[1]}: {match[2]}" for match in found if not any(each in match[2] for each in _NO_REASON)]
    return " ".join(said[-1].split())[:300] if said else ""


def _logging(log: Path) -> dict[str, str]:
    """Variables that send what vLLM logs, in this process too, to the file: a traceback is no message to a user."""
    if _LOGGING_PATH in os.environ:
        return {}
    file = {"class": "logging.FileHandler", "filename": str(log), "delay": True, "formatter": "line"}
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(levelname)s %(asctime)s [%(filename)s:%(lineno)d] %(message)s"}},
        "handlers": {"file": file},
        "loggers": {"vllm": {"handlers": ["file"], "level": "INFO", "propagate": False}},
    }
    path = log.with_suffix(".json")
    path.write_text(json.dumps(config), encoding="utf-8")
    return {_LOGGING_PATH: str(path)}


@contextlib.contextmanager
def environment_of(changes: Mapping[str, str]) -> Iterator[None]:
    """Environment variables with other values inside the block."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _child_output(log: Path, guard: Guard) -> Iterator[None]:
    """Let the engine's process write to the file `log`, and tell the guard of it, as soon as it is there.

    A process takes over its parent's standard output and error, so for the moment of its start they are the file.
    """
    known = {process.pid for process in multiprocessing.active_children()}
    restore = _redirect(log)
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            new = [one for one in multiprocessing.active_children() if one.pid not in known]
            for process in new:
                if process.pid is not None and process.name.startswith(_CORE):
                    known.add(process.pid)
                    guard.watch(process.pid)
                    restore()
            time.sleep(_POLL_SECONDS)

    watcher = threading.Thread(target=watch, name="engine start", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
        restore()


def _redirect(log: Path) -> Callable[[], None]:
    """Send standard output and error to the file; what undoes it, once, however often it is called."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)

    def restore() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        while saved:
            os.dup2(saved[-1], len(saved))
            os.close(saved.pop())

    return restore
