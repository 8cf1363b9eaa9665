"""The supervisor's side of one zygote: starts it, sends requests, matches replies, notices its death."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rstar.interpreter import wire
from rstar.interpreter.launch import start_zygote
from rstar.interpreter.layers import SandboxReport, report

START_SECONDS = 300.0
"""For a zygote to import its libraries on a cold disk and a busy machine; see zygote.py. Chosen, not tuned."""
_END_SECONDS = 5.0


class LostError(Exception):
    """The execution was lost with the process that ran it; asking again may help."""


class GoneError(Exception):
    """The snapshot to start from does not live any more."""


@dataclass(slots=True)
class ZygoteClient:
    """One life of a zygote. After its death, make another."""

    on_died: Callable[[int], None]
    """Called with a snapshot's id when it died by itself."""
    is_alive: bool = False
    report: SandboxReport | None = None
    _process: subprocess.Popen[bytes] | None = None
    _socket: socket.socket | None = None
    _incoming: wire.Frames = field(default_factory=wire.Frames)
    _outgoing: bytearray = field(default_factory=bytearray)
    _waiting: dict[int, asyncio.Future[wire.Result]] = field(default_factory=dict)
    _ready: asyncio.Future[SandboxReport] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it has come up and lives."""
        return self.is_alive and self.report is not None

    async def start(self, settings: dict[str, Any]) -> SandboxReport:
        """Start the processes; returns what contains them. Raises LostError where they do not come up."""
        loop = asyncio.get_running_loop()
        self._process, self._socket = start_zygote(settings)
        self._socket.setblocking(False)
        self._ready = loop.create_future()
        self.is_alive = True
        loop.add_reader(self._socket.fileno(), self._read)
        try:
            self.report = await asyncio.wait_for(self._ready, START_SECONDS)
        except TimeoutError:
            self.end()
            raise LostError("the zygote did not start in time") from None
        return self.report

    def run(self, run: wire.Run) -> asyncio.Future[wire.Result]:
        """Ask for an execution. The future raises LostError or GoneError where there is no result."""
        future: asyncio.Future[wire.Result] = asyncio.get_running_loop().create_future()
        if not self.is_alive:
            future.set_exception(LostError("the zygote has ended"))
            return future
        self._waiting[run.id] = future
        self._send(wire.frame(wire.RUN, wire.pack_run(run)))
        return future

    def drop(self, snapshots: list[int]) -> None:
        """End snapshots."""
        if snapshots and self.is_alive:
            self._send(wire.frame(wire.DROP, wire.pack_numbers(snapshots)))

    def start_tame(self, slot: int, descriptors: list[int]) -> None:
        """Start a tame runner with its socket and its board."""
        if self.is_alive and self._socket is not None:
            self._socket.setblocking(True)
            try:
                if self._outgoing:
                    self._socket.sendall(self._outgoing)
                    self._outgoing.clear()
                message = wire.frame(wire.START_TAME, wire.pack_numbers([slot]))
                socket.send_fds(self._socket, [message], descriptors)
            except OSError:
                self.end()
                return
            self._socket.setblocking(False)

    def kill_tame(self, slot: int) -> None:
        """End a tame runner that is late."""
        if self.is_alive:
            self._send(wire.frame(wire.KILL_TAME, wire.pack_numbers([slot])))

    def end(self) -> None:
        """Close the connection, which ends all processes; every waiting execution is lost."""
        if not self.is_alive:
            return
        self.is_alive = False
        if self._socket is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket.fileno())
            loop.remove_writer(self._socket.fileno())
            self._socket.close()
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(LostError("the zygote ended while it started"))
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(LostError("the zygote has ended"))
        self._waiting.clear()

    def wait(self) -> None:
        """Wait for the outermost process to end; kill it where it does not."""
        if self._process is None:
            return
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, data: bytes) -> None:
        self._outgoing += data
        self._flush()

    def _flush(self) -> None:
        if self._socket is None or not self.is_alive:
            return
        loop = asyncio.get_running_loop()
        try:
            while self._outgoing:
                del self._outgoing[: self._socket.send(self._outgoing)]
            loop.remove_writer(self._socket.fileno())
        except BlockingIOError:
            loop.add_writer(self._socket.fileno(), self._flush)
        except OSError:
            self.end()

    def _read(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.end()
            return
        for kind, payload in self._incoming.feed(data):
            self._hear(kind, payload)

    def _hear(self, kind: bytes, payload: bytes) -> None:
        if kind == wire.RESULT:
            result = wire.unpack_result(payload)
            self._settle(result.id, result)
        elif kind == wire.READY:
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(report(json.loads(payload)))
        elif kind == wire.GONE:
            self._settle(wire.unpack_numbers(payload)[0], GoneError())
        elif kind == wire.LOST:
            self._settle(wire.unpack_numbers(payload)[0], LostError("the process was killed from outside"))
        elif kind == wire.DIED:
            self.on_died(wire.unpack_numbers(payload)[0])

    def _settle(self, identity: int, outcome: wire.Result | Exception) -> None:
        future = self._waiting.pop(identity, None)
        with contextlib.suppress(asyncio.InvalidStateError):
            if future is None:
                return
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
