"""Listening, and stopping well: uvicorn with our limits on slow clients and a stop that drains."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from harness.serve.app import Service, make_app
from harness.serve.logs import log
from tasks.types import InputError

BACKLOG = 2048
"""Connections that the system holds until they are accepted: uvicorn's own default."""
_KEEP_ALIVE_SECONDS = 75
"""An idle connection is kept so long; clients that keep one usually drop it after 5 to 60. Chosen."""
_SPARE_SECONDS = 5
"""After the time to drain, for the last replies to leave."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` and `port`, 0 for any. Raises InputError where that cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, OverflowError, UnicodeError) as error:
        raise InputError(f"--host {host}: is no address of this machine ({error}); use 127.0.0.1") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise InputError(
            f"--port {port}: cannot listen on {host} ({error.strerror}); stop what uses it, or choose another port"
        ) from error
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """Where clients reach the server, with the path that they call their base URL."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"


class PatientProtocol(H11Protocol):
    """Closes connections on which a request does not arrive: uvicorn waits for ever for a head's last byte."""

    read_seconds = 30.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock starts."""
        super().connection_made(transport)
        # Part of each request's state: what ends a connection whose client does not read.
        self.app_state = {**self.app_state, "abort": transport.abort}
        self._timer: asyncio.TimerHandle | None = None
        self._watch()

    def data_received(self, data: bytes) -> None:
        """The clock runs while there is no request to work on."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """The clock stops."""
        self._stop()
        super().connection_lost(exc)

    def _watch(self) -> None:
        cycle: Any = self.cycle  # None until the first request has come
        if cycle is not None and not cycle.response_complete:
            self._stop()
        elif self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(self.read_seconds, self.transport.abort)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Server(uvicorn.Server):
    """Ends on Ctrl-C and SIGTERM when what is in flight is done; a second Ctrl-C does not wait."""

    def __init__(self, service: Service) -> None:
        """For one service."""
        self._service = service
        limits = service.solver.limits
        protocol = type("_Protocol", (PatientProtocol,), {"read_seconds": limits.read_seconds})
        super().__init__(
            uvicorn.Config(
                make_app(service),
                http=protocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                # An address in a header is whatever a client writes into it.
                proxy_headers=False,
                limit_concurrency=limits.max_connections,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=int(limits.drain_seconds) + _SPARE_SECONDS,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, and end what is in flight when its time is over."""
        limits, admission = self._service.solver.limits, self._service.solver.admission
        log("stopping", running=admission.num_running, waiting=admission.num_waiting, seconds=limits.drain_seconds)
        timer = asyncio.get_running_loop().call_later(limits.drain_seconds, self._service.stopping.set)
        try:
            await super().shutdown(sockets)
        finally:
            timer.cancel()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to stop; at the second Ctrl-C stop now."""
        if self.should_exit:
            self._service.stopping.set()
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a stop that was asked for is not passed on: it would end us before the engines do."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
