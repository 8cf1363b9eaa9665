"""The supervisor's side of one tame runner."""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import os
import socket
from collections.abc import Callable

from rstar.interpreter import tame_wire, wire
from rstar.interpreter.programs import Program, encode
from rstar.interpreter.settings import InterpreterSettings
from rstar.interpreter.zygote_client import ZygoteClient
from rstar.types import Execution

_GRACE_SECONDS = 2.0
"""After a program's limit, at which the kernel ends the runner, before the zygote is told to. Chosen, not tuned."""


class TameClient:
    """Starts the runner when it is needed, asks it, and replaces it when it ended. One question at a time."""

    def __init__(self, slot: int, settings: InterpreterSettings) -> None:
        self._slot = slot
        self._settings = settings
        self._channel: socket.socket | None = None
        self._board: mmap.mmap | None = None
        self._zygote: ZygoteClient | None = None
        self._incoming = wire.Frames()
        self._done: Callable[[Execution | None], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._started = 0.0

    def ask(self, program: Program, zygote: ZygoteClient, done: Callable[[Execution | None], None]) -> None:
        """Have `done` called with what `program` does; with None where it is not tame or the runner is lost."""
        loop = asyncio.get_running_loop()
        if self._channel is None or self._zygote is not zygote:
            self._start(zygote)
        self._done = done
        self._started = loop.time()
        self._timer = loop.call_later(self._settings.seconds + _GRACE_SECONDS, zygote.kill_tame, self._slot)
        self._send(wire.frame(tame_wire.ASK, tame_wire.pack_codes(encode((*program.path, program.code)))))

    def close(self) -> None:
        """End the runner and forget it; a program that it was running is lost."""
        if self._channel is not None:
            asyncio.get_running_loop().remove_reader(self._channel.fileno())
            self._channel.close()
            self._channel = None
        if self._done is not None:
            seconds = asyncio.get_running_loop().time() - self._started
            is_late = seconds >= self._settings.seconds and self._zygote is not None and self._zygote.is_alive
            limit = f"ran longer than {self._settings.seconds:g} s"
            self._settle(Execution("timeout", self._output(None), limit, seconds) if is_late else None)
        self._drop_board()

    def _drop_board(self) -> None:
        """Let go of the board of a runner that is gone; settling may have started the next one, which has its own."""
        if self._channel is None and self._board is not None:
            self._board.close()
            self._board = None

    def _settle(self, execution: Execution | None) -> None:
        done, self._done = self._done, None
        if self._timer is not None:
            self._timer.cancel()
        if done is not None:
            done(execution)

    def _start(self, zygote: ZygoteClient) -> None:
        self.close()
        size = tame_wire.HEADER.size + self._settings.output_bytes
        descriptor = os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        ours, theirs = socket.socketpair()
        try:
            os.ftruncate(descriptor, size)
            # A file that the runner could shorten would end whoever reads the missing part: us.
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            self._board = mmap.mmap(descriptor, size)
            zygote.start_tame(self._slot, [theirs.fileno(), descriptor])
        finally:
            theirs.close()
            os.close(descriptor)
        ours.setblocking(False)
        self._channel, self._zygote, self._incoming = ours, zygote, wire.Frames(tame_wire.MAX_ANSWER_BYTES)
        asyncio.get_running_loop().add_reader(ours.fileno(), self._read)

    def _send(self, data: bytes) -> None:
        """Send a question. The runner waits for it, so it fits the socket or is read at once."""
        channel = self._channel
        if channel is None:
            self.close()
            return
        try:
            sent = channel.send(data)
            if sent < len(data):
                # Longer than the socket holds: rare, and worth a wait.
                channel.settimeout(_GRACE_SECONDS)
                channel.sendall(data[sent:])
                channel.setblocking(False)
        except OSError:
            self.close()

    def _read(self) -> None:
        try:
            data = self._channel.recv(1 << 18) if self._channel is not None else b""
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        try:
            messages = self._incoming.feed(data)
            found = [self._execution(*message) for message in messages]
        except ValueError:
            # Not what our own code says: a program got hold of the runner. It ends, and its program is forked.
            self._distrust()
            return
        if len(found) > 1 or (found and self._done is None):
            self._distrust()
        elif found:
            self._settle(found[0])

    def _execution(self, kind: bytes, payload: bytes) -> Execution | None:
        """What a message says of the program; None where it is not tame. Raises ValueError for an odd message."""
        if kind == tame_wire.UNTAME:
            return None
        if kind != tame_wire.ANSWER:
            raise ValueError(f"a message of kind {kind!r}")
        status, seconds, num_bytes, error = tame_wire.unpack_answer(payload)
        if not 0 <= seconds <= self._settings.seconds + _GRACE_SECONDS:
            raise ValueError(f"a program of {seconds} seconds")
        return Execution(status, self._output(num_bytes), error, seconds)

    def _distrust(self) -> None:
        """End the runner, now; what it was asked is not answered by it."""
        if self._zygote is not None:
            self._zygote.kill_tame(self._slot)
        self._started = asyncio.get_running_loop().time()
        self.close()

    def _output(self, num_bytes: int | None) -> str:
        """The program's output; `num_bytes` of it, or as many as the board says."""
        if self._board is None:
            return ""
        size = tame_wire.HEADER.unpack_from(self._board)[0] if num_bytes is None else num_bytes
        data = self._board[tame_wire.HEADER.size : tame_wire.HEADER.size + min(size, self._settings.output_bytes)]
        return data.decode("utf-8", "replace")[: self._settings.output_chars]
