"""A tame runner that a program took over can say what it likes: the supervisor answers truthfully or forks."""

from __future__ import annotations

import asyncio
import os
import socket
import struct

import pytest

from rstar.interpreter import tame_wire, wire
from rstar.interpreter.programs import Program
from rstar.interpreter.settings import InterpreterSettings
from rstar.interpreter.tame_client import TameClient
from rstar.types import Execution

_SECONDS = 1.0
_GOOD = tame_wire.pack_answer("ok", 0.1, "", 0)


class _Zygote:
    """Stands for the zygote: whoever is started as a runner says `reply` as soon as it is asked."""

    is_alive = True

    def __init__(self, reply: bytes) -> None:
        self._reply = reply
        self.num_killed = 0
        self.runners: list[socket.socket] = []
        self.boards: list[int] = []

    def start_tame(self, _: int, descriptors: list[int]) -> None:
        runner = socket.socket(fileno=os.dup(descriptors[0]))
        runner.setblocking(False)
        self.runners.append(runner)
        self.boards.append(os.dup(descriptors[1]))
        asyncio.get_running_loop().add_reader(runner.fileno(), self._hear, runner)

    def _hear(self, runner: socket.socket) -> None:
        if not runner.recv(1 << 16):
            self._leave(runner)
        elif self._reply:
            runner.sendall(self._reply)
        else:
            self._leave(runner)

    def _leave(self, runner: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(runner.fileno())
        runner.close()

    def kill_tame(self, _: int) -> None:
        self.num_killed += 1

    def close(self) -> None:
        for runner in self.runners:
            if runner.fileno() >= 0:
                self._leave(runner)
        for board in self.boards:
            os.close(board)


def _ask(reply: bytes, times: int = 1) -> tuple[list[Execution | None], _Zygote]:
    async def ask() -> tuple[list[Execution | None], _Zygote]:
        zygote = _Zygote(reply)
        client = TameClient(0, InterpreterSettings(seconds=_SECONDS, workers=1))
        answers = []
        for number in range(times):
            future: asyncio.Future[Execution | None] = asyncio.get_running_loop().create_future()
            client.ask(Program((), f"x = {number}"), zygote, future.set_result)  # type: ignore[arg-type]
            answers.append(await asyncio.wait_for(future, 300))
            await asyncio.sleep(0)
        client.close()
        zygote.close()
        return answers, zygote

    return asyncio.run(ask())


_ODD = {
    "an unknown status": wire.frame(tame_wire.ANSWER, struct.pack("=BdI", 7, 0.1, 0)),
    "a message that is too short": wire.frame(tame_wire.ANSWER, b"\0\0"),
    "an empty message": wire.frame(tame_wire.ANSWER),
    "an unknown kind": wire.frame(b"z", _GOOD),
    "a length of many megabytes": struct.pack("=Ic", 200 << 20, tame_wire.ANSWER),
    "the largest length": b"\xff" * 5,
    "no time": wire.frame(tame_wire.ANSWER, struct.pack("=BdI", 0, float("nan"), 0)),
    "endless time": wire.frame(tame_wire.ANSWER, struct.pack("=BdI", 0, float("inf"), 0)),
    "negative time": wire.frame(tame_wire.ANSWER, struct.pack("=BdI", 0, -1.0, 0)),
    "more time than there was": wire.frame(tame_wire.ANSWER, struct.pack("=BdI", 0, 1e9, 0)),
    "two answers": wire.frame(tame_wire.ANSWER, _GOOD) * 2,
    "the end of its channel": b"",
}


@pytest.mark.parametrize("name", _ODD)
def test_the_program_is_forked_where_the_runner_says(name: str) -> None:
    answers, _ = _ask(_ODD[name], times=2)
    assert answers == [None, None]


def test_an_answer_is_taken() -> None:
    (answer,), _ = _ask(wire.frame(tame_wire.ANSWER, _GOOD))
    assert answer == Execution("ok", "", "", 0.1)


def test_output_that_is_said_to_be_longer_than_the_board_is_what_the_board_holds() -> None:
    settings = InterpreterSettings()
    reply = wire.frame(tame_wire.ANSWER, struct.pack("=BdI", 0, 0.1, 0xFFFFFFFF))
    (answer,), _ = _ask(reply)
    assert answer is not None
    assert answer.stdout == "\0" * settings.output_chars


def test_an_error_that_is_no_text_is_shown_as_text() -> None:
    (answer,), _ = _ask(wire.frame(tame_wire.ANSWER, struct.pack("=BdI", 1, 0.1, 0) + b"\xff\xfe"))
    assert answer is not None
    answer.error.encode()


def test_the_runner_cannot_shorten_the_board_that_the_supervisor_reads() -> None:
    """Reading a mapped file beyond its end would kill the supervisor with SIGBUS."""
    refusals = []

    class _Shortening(_Zygote):
        def start_tame(self, slot: int, descriptors: list[int]) -> None:
            try:
                os.ftruncate(descriptors[1], 0)
            except PermissionError as error:
                refusals.append(error)
            super().start_tame(slot, descriptors)

    async def ask() -> None:
        zygote = _Shortening(wire.frame(tame_wire.ANSWER, _GOOD))
        client = TameClient(0, InterpreterSettings(seconds=_SECONDS, workers=1))
        future: asyncio.Future[Execution | None] = asyncio.get_running_loop().create_future()
        client.ask(Program((), "x"), zygote, future.set_result)  # type: ignore[arg-type]
        await asyncio.wait_for(future, 300)
        client.close()
        zygote.close()

    asyncio.run(ask())
    assert len(refusals) == 1
