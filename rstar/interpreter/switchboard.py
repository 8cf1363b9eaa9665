"""Which descriptors a monitor listens to, and who is called when one has something to say."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable

Handler = Callable[[], None]


class Switchboard:
    """epoll with a handler per descriptor."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._questions: set[int] = set()

    def watch(self, descriptor: int, handler: Handler) -> None:
        """Call `handler` when `descriptor` can be read or has ended; replaces an earlier handler."""
        if descriptor not in self._handlers:
            self._poll.register(descriptor, select.EPOLLIN)
        self._handlers[descriptor] = handler

    def watch_questions(self, listener: int, handler: Handler) -> None:
        """The same for a seccomp listener, which must not be read when it has merely ended: that would block."""
        self._questions.add(listener)
        self.watch(listener, handler)

    def watch_children(self, handler: Handler) -> None:
        """Call `handler` when a child process has ended."""
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

        def hear() -> None:
            with contextlib.suppress(BlockingIOError):
                os.read(reader, 4096)
            handler()

        self.watch(reader, hear)

    def want_to_write(self, descriptor: int, *, is_wanted: bool) -> None:
        """Whether the handler is called as well when `descriptor` can be written."""
        self._poll.modify(descriptor, select.EPOLLIN | (select.EPOLLOUT if is_wanted else 0))

    def forget(self, descriptor: int) -> None:
        """Listen no more. To be called before the descriptor is closed; harmless when called twice."""
        self._questions.discard(descriptor)
        if self._handlers.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def wait(self, seconds: float) -> None:
        """Wait at most `seconds` (-1: for ever) and call the handlers of all that have something to say."""
        for descriptor, events in self._poll.poll(seconds):
            handler = self._handlers.get(descriptor)
            if handler is None:
                continue
            if descriptor in self._questions and not events & select.EPOLLIN:
                self.forget(descriptor)
            else:
                handler()
