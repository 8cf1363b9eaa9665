"""Real model servers on loopback, as a user starts them, for the tests marked `servers`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "rstar" / "models" / "tiny"
LLAMA = Path(os.environ.get("RSTAR_LLAMA_PYTHON", ROOT / ".venv-llama" / "bin" / "python"))
"""A Python with llama-cpp-python[server] and gguf."""
VLLM = Path(os.environ.get("RSTAR_VLLM_PYTHON", ROOT / ".venv-vllm" / "bin" / "python"))
"""A Python with vLLM."""
START_SECONDS = 600.0
"""vLLM on a busy processor takes minutes."""
_VLLM_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}


@dataclass
class RealServer:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it and what it has started, as a crash does."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def llama_server(gguf: Path, *more: str, port: int | None = None) -> Iterator[RealServer]:
    """llama-cpp-python's server on a GGUF file."""
    port = port or free_port()
    command = [str(LLAMA), "-m", "llama_cpp.server", "--model", str(gguf), "--model_alias", "tiny"]
    where = ["--host", "127.0.0.1", "--port", str(port), "--n_ctx", "2048", "--n_threads", "1"]
    yield from _running([*command, *where, *more], port, {})


def vllm_server(model: Path, *more: str, port: int | None = None) -> Iterator[RealServer]:
    """`vllm serve` on a model folder."""
    port = port or free_port()
    command = [str(VLLM), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    where = ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port), "--enforce-eager"]
    yield from _running([*command, *where, "--no-enable-chunked-prefill", *more], port, _VLLM_ENVIRONMENT)


def _running(command: Sequence[str], port: int, environment: dict[str, str]) -> Iterator[RealServer]:
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    server = RealServer(f"http://127.0.0.1:{port}/v1", process)
    try:
        _wait(server)
        yield server
    finally:
        server.kill()


def _wait(server: RealServer) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if server.process.poll() is not None:
            pytest.fail(f"the server ended with {server.process.returncode} before it answered")
        try:
            with urllib.request.urlopen(f"{server.url}/models", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"the server did not answer within {START_SECONDS:.0f} s")


started_llama, started_vllm = contextmanager(llama_server), contextmanager(vllm_server)
