"""The zygote's main loop: it starts executions, keeps their clocks, hears their reports, ends and reaps them.

The monitor never runs a program. It is the parent of every process of its family, so exit codes and process ids come
from the kernel; what a program can write to any descriptor is at most its own output.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from rstar.interpreter import request as protocol
from rstar.interpreter import wire
from rstar.interpreter.family import (
    Execution,
    Family,
    Leaving,
    Snapshot,
    TameRunner,
    Worker,
    judge_end,
    kill,
    read_output,
    receive,
)
from rstar.interpreter.forks import Forks
from rstar.interpreter.private_memory import PrivateMemory
from rstar.interpreter.supervisor_link import SupervisorGoneError, SupervisorLink
from rstar.interpreter.switchboard import Switchboard

START_SECONDS = 20.0
"""For a fork to answer, on a machine that is busy. Chosen, not tuned."""
EXIT_SECONDS = 1.0
"""For a process that has reported to leave by itself."""
MAX_NOISE = 64
"""Foreign messages on an execution's channel before it is ended. Chosen, not tuned."""


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """What the monitor enforces."""

    seconds: float
    output_bytes: int


class Monitor:
    """One zygote's processes."""

    def __init__(
        self,
        supervisor: socket.socket,
        settings: MonitorSettings,
        start_worker: Callable[[str], Worker],
        memory: PrivateMemory,
    ) -> None:
        self._settings = settings
        self._start_worker = start_worker
        self._memory = memory
        self._family = Family()
        self._forks = Forks(self._family)
        self._board = Switchboard()
        self._supervisor = SupervisorLink(supervisor, self._board)

    def add_worker(self, worker: Worker) -> None:
        """Take over a jail that has just been built."""
        self._family.workers[worker.pid] = worker
        self._board.watch(worker.control.fileno(), lambda: self._lose_worker(worker))
        if worker.listener >= 0:
            self._board.watch_questions(worker.listener, lambda: self._forks.answer(worker.listener))

    def require(self, nursery: socket.socket) -> None:
        """Without a nursery no worker can be replaced: end when one dies, so that the supervisor starts anew."""
        self._board.watch(nursery.fileno(), self._end)

    def serve(self, ready: bytes) -> NoReturn:
        """Work until the supervisor is gone; then end everything and exit."""
        try:
            self._board.watch(self._supervisor.fileno(), self._hear_supervisor)
            self._board.watch_children(self._reap)
            self._supervisor.send(wire.READY, ready)
            while True:
                self._board.wait(self._patience())
                self._enforce(time.monotonic())
        except SupervisorGoneError:
            self._end()

    def _end(self) -> NoReturn:
        """End every process and then this one."""
        for pid in [*self._family.execution_of, *self._family.snapshot_of, *self._family.workers]:
            kill(pid)
        for runner in self._family.tame.values():
            if runner.pid:
                kill(runner.pid)
        os._exit(0)

    # Supervisor.

    def _hear_supervisor(self) -> None:
        for kind, payload in self._supervisor.receive():
            self._obey(kind, payload)

    def _obey(self, kind: bytes, payload: bytes) -> None:
        if kind == wire.RUN:
            self._run(wire.unpack_run(payload))
        elif kind == wire.DROP:
            for identity in wire.unpack_numbers(payload):
                if (snapshot := self._family.snapshots.get(identity)) is not None:
                    self._drop(snapshot)
        elif kind == wire.START_TAME:
            self._start_tame(wire.unpack_numbers(payload)[0])
        elif kind == wire.KILL_TAME:
            runner = self._family.tame.get(wire.unpack_numbers(payload)[0])
            if runner is not None and runner.pid:
                kill(runner.pid)

    # Starting.

    def _run(self, run: wire.Run) -> None:
        parent = self._forks.parent(run.source, run.library)
        if parent is None:
            self._supervisor.send_numbers(wire.GONE, run.id)
        else:
            self._execute(parent, run)

    def _execute(self, parent: Worker | Snapshot, run: wire.Run) -> None:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reader, False)
        secret = secrets.token_bytes(protocol.SECRET_BYTES)
        asked = protocol.Request(protocol.RUN, secret, run.keep if run.keep_as else protocol.NEVER, run.codes)
        channel = self._forks.ask(parent, asked, [writer], protocol.GO_ON if run.in_place else protocol.FORK)
        os.close(writer)
        if run.in_place and isinstance(parent, Snapshot):
            # From here on its process is the execution's, or has died.
            self._forget_snapshot(parent)
        if channel is None:
            os.close(reader)
            self._supervisor.send_numbers(wire.LOST, run.id)
            return
        deadline = time.monotonic() + START_SECONDS
        execution = Execution(
            run, channel, reader, secret, parent.pid, parent.worker, deadline, steps_left=len(run.codes) - 1
        )
        self._family.executions[run.id] = execution
        self._board.watch(channel.fileno(), lambda: self._hear(execution))

    def _start_tame(self, slot: int) -> None:
        """Start a tame runner with the two descriptors that came with the message."""
        passed = self._supervisor.take_descriptors(2)
        parent = self._forks.parent(0, "heavy")
        asked = protocol.Request(protocol.TAME, bytes(protocol.SECRET_BYTES), protocol.NEVER, codes=())
        channel = self._forks.ask(parent, asked, passed) if parent is not None else None
        for descriptor in passed:
            os.close(descriptor)
        if channel is None or parent is None:
            # The supervisor sees the end of the runner's socket.
            return
        runner = TameRunner(slot, parent.pid, channel=channel)
        self._family.tame[slot] = runner
        self._board.watch(channel.fileno(), lambda: self._hear_tame(runner))

    # Hearing.

    def _hear(self, execution: Execution) -> None:
        while (message := receive(execution.channel)) is not None:
            data, sender = message
            if not data:
                self._hear_silence(execution)
                return
            if data == protocol.HELLO and not execution.pid and self._forks.adopt(sender):
                now = time.monotonic()
                execution.pid, execution.started, execution.deadline = sender, now, now + self._settings.seconds
                self._family.execution_of[sender] = execution
                self._forks.note_made(execution.parent)
            elif data == protocol.STEP_DONE and execution.pid == sender and execution.steps_left:
                now = time.monotonic()
                execution.steps_left -= 1
                execution.started, execution.deadline = now, now + self._settings.seconds
            elif execution.pid == sender and (found := protocol.read_report(data, execution.secret)) is not None:
                self._finish(execution, *found)
                return
            else:
                execution.noise += 1
                if execution.noise > MAX_NOISE:
                    self._abort(execution, "error", "wrote to the channel of its result")
                    return

    def _hear_silence(self, execution: Execution) -> None:
        """Its channel has ended: it is dying, closed it, or never started."""
        self._board.forget(execution.channel.fileno())
        execution.is_silent = True
        if execution.pid:
            execution.deadline = min(execution.deadline, time.monotonic() + EXIT_SECONDS)
        else:
            self._forks.note_made(execution.parent)
            self._close(execution)
            self._supervisor.send_numbers(wire.LOST, execution.run.id)

    def _hear_snapshot(self, snapshot: Snapshot) -> None:
        """A snapshot has nothing to say: its end, or a program in it that still runs."""
        if receive(snapshot.control) is not None:
            self._drop(snapshot)
            self._supervisor.send_numbers(wire.DIED, snapshot.id)

    def _hear_tame(self, runner: TameRunner) -> None:
        if runner.channel is None or (message := receive(runner.channel)) is None:
            return
        data, sender = message
        if data == protocol.HELLO and not runner.pid and self._forks.adopt(sender):
            runner.pid = sender
            self._forks.note_made(runner.parent)
        else:
            self._end_tame(runner)

    def _end_tame(self, runner: TameRunner) -> None:
        if runner.channel is not None:
            self._board.forget(runner.channel.fileno())
            runner.channel.close()
        if runner.pid:
            kill(runner.pid)
            self._leave(runner.pid)
        if self._family.tame.get(runner.slot) is runner:
            del self._family.tame[runner.slot]

    # Ending.

    def _finish(self, execution: Execution, status: str, error: str, is_kept: bool) -> None:
        """The execution has reported."""
        seconds = time.monotonic() - execution.started
        run = execution.run
        is_kept = is_kept and status == "ok" and run.keep_as != 0 and execution.worker in self._family.workers
        kibibytes = self._memory.kibibytes(execution.pid) if is_kept else 0
        self._reply(execution, status, error, seconds, max(kibibytes, 1) if is_kept else 0)
        if is_kept:
            snapshot = Snapshot(run.keep_as, execution.pid, execution.worker, execution.channel)
            self._family.snapshots[snapshot.id] = self._family.snapshot_of[snapshot.pid] = snapshot
            # A thread that the program left would go on computing, and change the state behind our back.
            self._forks.pause(snapshot.pid)
            self._board.watch(snapshot.control.fileno(), lambda: self._hear_snapshot(snapshot))
            del self._family.execution_of[execution.pid]
            del self._family.executions[run.id]
            os.close(execution.output)
        else:
            self._close(execution)
            self._leave(execution.pid)

    def _abort(self, execution: Execution, status: str, error: str) -> None:
        """End an execution that broke a limit or a rule."""
        kill(execution.pid or execution.parent)
        self._reply(execution, status, error, time.monotonic() - execution.started)
        self._close(execution)
        if execution.pid:
            self._leave(execution.pid)

    def _reply(self, execution: Execution, status: str, error: str, seconds: float, kibibytes: int = 0) -> None:
        output = read_output(execution.output, self._settings.output_bytes)
        is_replay_failure = status != "ok" and execution.steps_left > 0
        result = wire.Result(execution.run.id, status, is_replay_failure, seconds, kibibytes, output, error)
        self._supervisor.send(wire.RESULT, wire.pack_result(result))

    def _close(self, execution: Execution) -> None:
        """Forget an execution and its descriptors."""
        self._board.forget(execution.channel.fileno())
        execution.channel.close()
        os.close(execution.output)
        self._family.executions.pop(execution.run.id, None)
        self._family.execution_of.pop(execution.pid, None)

    def _leave(self, pid: int) -> None:
        self._family.leaving[pid] = Leaving(pid, time.monotonic() + EXIT_SECONDS)

    def _forget_snapshot(self, snapshot: Snapshot) -> None:
        self._board.forget(snapshot.control.fileno())
        snapshot.control.close()
        self._family.snapshots.pop(snapshot.id, None)
        self._family.snapshot_of.pop(snapshot.pid, None)

    def _drop(self, snapshot: Snapshot) -> None:
        self._forget_snapshot(snapshot)
        kill(snapshot.pid)
        self._leave(snapshot.pid)

    def _lose_worker(self, worker: Worker) -> None:
        """A worker's jail has died (nobody else closes that socket); build another one."""
        self._board.forget(worker.control.fileno())
        worker.control.close()
        self._family.workers.pop(worker.pid, None)
        if worker.listener >= 0:
            self._board.forget(worker.listener)
            os.close(worker.listener)
        # Nobody answers for its descendants' forks now.
        for snapshot in [one for one in self._family.snapshots.values() if one.worker == worker.pid]:
            self._drop(snapshot)
            self._supervisor.send_numbers(wire.DIED, snapshot.id)
        kill(worker.pid)
        self._leave(worker.pid)
        self.add_worker(self._start_worker(worker.library))

    # Time and death.

    def _patience(self) -> float:
        """Seconds until the next deadline; -1 for no end."""
        deadlines = [execution.deadline for execution in self._family.executions.values()]
        deadlines += [leaving.deadline for leaving in self._family.leaving.values()]
        return max(0.0, min(deadlines) - time.monotonic()) + 0.001 if deadlines else -1.0

    def _enforce(self, now: float) -> None:
        for execution in [one for one in self._family.executions.values() if one.deadline <= now]:
            # What it reported in time may still wait in its channel.
            self._hear_late(execution)
        for leaving in [one for one in self._family.leaving.values() if one.deadline <= now]:
            kill(leaving.pid)
            leaving.deadline = now + EXIT_SECONDS

    def _hear_late(self, execution: Execution) -> None:
        if not execution.is_silent:
            self._hear(execution)
        if execution.run.id not in self._family.executions or execution.deadline > time.monotonic():
            return
        if execution.is_silent:
            self._abort(execution, "error", "closed the channel of its result")
        elif not execution.pid:
            kill(execution.parent)
            self._close(execution)
            self._supervisor.send_numbers(wire.LOST, execution.run.id)
        else:
            self._abort(execution, "timeout", f"ran longer than {self._settings.seconds:g} s")

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._forks.forget(pid)
            self._family.leaving.pop(pid, None)
            if (execution := self._family.execution_of.get(pid)) is not None:
                self._bury(execution, status, usage.ru_utime + usage.ru_stime)
            elif (snapshot := self._family.snapshot_of.get(pid)) is not None:
                self._bury_snapshot(snapshot)
            elif (worker := self._family.workers.get(pid)) is not None:
                self._lose_worker(worker)
                self._family.leaving.pop(pid, None)
            else:
                self._bury_tame(pid)

    def _bury_snapshot(self, snapshot: Snapshot) -> None:
        self._drop(snapshot)
        self._family.leaving.pop(snapshot.pid, None)
        self._supervisor.send_numbers(wire.DIED, snapshot.id)

    def _bury_tame(self, pid: int) -> None:
        for runner in [one for one in self._family.tame.values() if one.pid == pid]:
            self._end_tame(runner)
            self._family.leaving.pop(pid, None)

    def _bury(self, execution: Execution, status: int, processor_seconds: float) -> None:
        """An execution's process has ended, perhaps with its report still unread."""
        if not execution.is_silent:
            self._hear(execution)
        if execution.run.id not in self._family.executions:
            self._family.leaving.pop(execution.pid, None)
            if (snapshot := self._family.snapshot_of.get(execution.pid)) is not None:
                self._bury_snapshot(snapshot)
            return
        outcome = judge_end(os.waitstatus_to_exitcode(status), processor_seconds, self._settings.seconds)
        if outcome is None:
            self._supervisor.send_numbers(wire.LOST, execution.run.id)
        else:
            self._reply(execution, *outcome, time.monotonic() - execution.started)
        self._close(execution)
