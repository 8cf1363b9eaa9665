"""The monitor's end of the connection to the supervisor."""

from __future__ import annotations

import contextlib
import socket

from rstar.interpreter import wire
from rstar.interpreter.switchboard import Switchboard


class SupervisorGoneError(Exception):
    """The supervisor has closed the connection, or has ended."""


class SupervisorLink:
    """Reads messages and descriptors, and sends without ever waiting: the monitor's clocks must go on."""

    def __init__(self, connection: socket.socket, board: Switchboard) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._board = board
        self._incoming = wire.Frames()
        self._outgoing = bytearray()
        self._is_waiting = False
        self._passed: list[int] = []

    def fileno(self) -> int:
        """The descriptor to listen to."""
        return self._connection.fileno()

    def receive(self) -> list[tuple[bytes, bytes]]:
        """All messages that have arrived. Raises SupervisorGoneError."""
        if self._outgoing:
            self._flush()
        found: list[tuple[bytes, bytes]] = []
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._connection, 1 << 18, 8)
            except BlockingIOError:
                return found
            except OSError:
                raise SupervisorGoneError from None
            if not data:
                raise SupervisorGoneError
            self._passed += descriptors
            found += self._incoming.feed(data)

    def take_descriptors(self, count: int) -> list[int]:
        """The oldest `count` descriptors that came with messages; now the caller's to close."""
        taken, self._passed = self._passed[:count], self._passed[count:]
        return taken

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Send a message, now or when the supervisor reads again. Raises SupervisorGoneError."""
        self._outgoing += wire.frame(kind, payload)
        self._flush()

    def send_numbers(self, kind: bytes, *numbers: int) -> None:
        """Send a message that consists of ids."""
        self.send(kind, wire.pack_numbers(numbers))

    def _flush(self) -> None:
        try:
            with contextlib.suppress(BlockingIOError):
                while self._outgoing:
                    del self._outgoing[: self._connection.send(self._outgoing)]
        except OSError:
            raise SupervisorGoneError from None
        if self._is_waiting != bool(self._outgoing):
            self._is_waiting = bool(self._outgoing)
            self._board.want_to_write(self.fileno(), is_wanted=self._is_waiting)
