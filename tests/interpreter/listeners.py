"""Real listeners on the loopback interface that know whoever reached them."""

from __future__ import annotations

import socket
from pathlib import Path
from types import TracebackType
from typing import Self


class Listeners:
    """TCP over IPv4 and IPv6, UDP, two Unix sockets, and a socket that a careless supervisor hands down.

    The kernel completes a connection without us, so nobody needs to serve: `contacts` finds every caller afterwards.
    """

    def __init__(self, unix_path: Path) -> None:
        self.unix_path = str(unix_path)
        self.abstract_name = "\0" + unix_path.parent.name
        self._sockets: dict[socket.socket, str] = {}
        self.tcp_port = self._open(socket.AF_INET, socket.SOCK_STREAM, "tcp", ("127.0.0.1", 0))
        self.udp_port = self._open(socket.AF_INET, socket.SOCK_DGRAM, "udp", ("127.0.0.1", 0))
        self.tcp6_port = self._open_ipv6()
        self._open(socket.AF_UNIX, socket.SOCK_STREAM, "unix", self.unix_path)
        self._open(socket.AF_UNIX, socket.SOCK_STREAM, "abstract", self.abstract_name)
        unix_path.chmod(0o777)
        self._kept, self._handed_down = socket.socketpair()
        self._handed_down.set_inheritable(True)
        self._kept.setblocking(False)

    def _open(self, family: int, kind: int, name: str, address: tuple[str, int] | str) -> int:
        listener = socket.socket(family, kind)
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen(64)
        listener.setblocking(False)
        self._sockets[listener] = name
        bound = listener.getsockname()
        return int(bound[1]) if isinstance(bound, tuple) else 0

    def _open_ipv6(self) -> int:
        try:
            return self._open(socket.AF_INET6, socket.SOCK_STREAM, "tcp6", ("::1", 0))
        except OSError:  # no IPv6 on this machine; its probe then finds nobody, jail or not
            return 9

    def contacts(self) -> list[str]:
        """Names of the listeners that were reached since the last call, one entry per connection or datagram."""
        found = []
        for listener, name in self._sockets.items():
            while self._take(listener):
                found.append(name)
        while self._take(self._kept):
            found.append("inherited")
        return found

    def _take(self, listener: socket.socket) -> bool:
        try:
            if listener is self._kept or listener.type == socket.SOCK_DGRAM:
                listener.recv(65536)
            else:
                listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for listener in [*self._sockets, self._kept, self._handed_down]:
            listener.close()
