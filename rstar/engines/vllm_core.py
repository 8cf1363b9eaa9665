"""One vLLM engine: started, asked from any event loop, restarted where it dies, and ended with nothing left behind.

vLLM's own event loop runs in a thread of this class's own, so that one engine serves callers whose loops come and go. A
request that was under way when the engine's process died is sent again to the next one; as its random numbers follow
its seed alone, it draws what it would have drawn. An engine that keeps dying is given up.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rstar.engines.vllm_admission import Admission, Lengths
from rstar.engines.vllm_counts import EngineCounts, stat_logger
from rstar.engines.vllm_settings import MAX_RESTARTS
from rstar.engines.vllm_start import Guard, last_error, start_engine
from rstar.engines.worker import EngineError

if TYPE_CHECKING:
    from vllm.v1.engine.async_llm import AsyncLLM

Answer = TypeVar("Answer")
Work = Callable[["AsyncLLM"], Awaitable[Answer]]
"""What one request does with the engine."""

PAUSE_SECONDS = 0.5
"""Between an engine's death and its restart: after Ctrl-C, which reaches the engine too, nobody wants another one.
Chosen, not tuned."""
START_ATTEMPTS = 3
"""To start an engine in place of a dead one. Chosen, not tuned."""
STOP_SECONDS = 20.0
"""For an engine to end by itself; after that it is killed. Chosen, not tuned."""


class Aborted(Exception):
    """An engine ended a request before it was done."""


class VllmCore:
    """An engine process and the thread that talks to it. Ends with `close`."""

    def __init__(
        self,
        name: str,
        arguments: Mapping[str, Any],
        environment: Mapping[str, str],
        *,
        max_new_tokens: int = 0,
        max_restarts: int = MAX_RESTARTS,
    ) -> None:
        """Start the engine; `max_new_tokens` is the most that a sample may write, 0 for an engine that writes nothing.

        Raises InputError for what the user can mend, EngineError where it does not start for another reason.
        """
        self.name, self.max_restarts = name, max_restarts
        self._arguments, self._environment = dict(arguments), dict(environment)
        self.counts = EngineCounts()
        self.admission = Admission(1 << 40, int(arguments["max_num_seqs"]), Lengths(max_new_tokens))
        self.capacity_tokens = 0
        """Tokens whose keys and values the engine's memory holds."""
        self.dtype = ""
        """Of the weights, as torch names it."""
        self._folder = Path(tempfile.mkdtemp(prefix="rstar-vllm-"))
        self.log = self._folder / f"{name.replace(' ', '-')}.log"
        self._engine: AsyncLLM | None = None
        self._guard: Guard | None = None
        self._life = 0
        self._deaths_in_a_row = 0
        self._failure = ""
        self._is_closing = False
        self._lock = asyncio.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        except BaseException:
            self.close()
            raise

    @property
    def pids(self) -> tuple[int, ...]:
        """Processes of the engine that lives now."""
        return tuple(self._guard.pids) if self._guard else ()

    async def ask(self, work: Work[Answer]) -> Answer:
        """What `work` makes of the engine, done again with the next one where this one dies.

        Raises EngineError where the engine is closed, keeps dying, or fails on the request.
        """
        if self._is_closing:
            raise EngineError(f"{self.name}: the engine is closed")
        job = asyncio.run_coroutine_threadsafe(self._patiently(work), self._loop)
        return await asyncio.wrap_future(job)

    def close(self) -> None:
        """End engine, thread and guard; whoever still waits gets an EngineError. May be called more than once."""
        if self._is_closing:
            return
        self._is_closing = True
        if self._engine is None and self._guard is not None:
            # It is loading: it does not look at signals until it is done.
            self._guard.kill()
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(STOP_SECONDS)
        if self._guard is not None:
            self._guard.kill()
            self._guard.dismiss()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self) -> None:
        # What this thread starts takes over its mask: Ctrl-C, which a terminal sends to all, is for the parent alone.
        # An engine that hears it gives up what it is at, and half a candidate would look like a whole one.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _start(self) -> None:
        """Start an engine, and find out what it holds."""
        if self._guard is not None:
            self._guard.kill()
            self._guard.dismiss()
        self._guard = Guard()
        logger = stat_logger(self.counts, self.admission.note_preemption)
        self._engine = start_engine(self.name, self._arguments, self._environment, self.log, self._guard, [logger])
        if self._is_closing:
            self._engine.shutdown(timeout=0)
            raise EngineError(f"{self.name}: the engine was closed while it started")
        cache = self._engine.vllm_config.cache_config
        self.dtype = str(self._engine.vllm_config.model_config.dtype).removeprefix("torch.")
        self.admission.block_tokens = cache.block_size
        self.capacity_tokens = (cache.num_gpu_blocks or 0) * cache.block_size
        # What writes nothing holds memory for one step only, and vLLM starts no more than fit.
        if self.admission.lengths.longest and self.capacity_tokens:
            self.admission.capacity_tokens = self.capacity_tokens
        self._life += 1

    async def _patiently(self, work: Work[Answer]) -> Answer:
        from vllm.v1.engine.exceptions import EngineDeadError

        for attempt in range(self.max_restarts + 1):
            life, engine = await self._living()
            self.counts.resent += attempt > 0
            try:
                answer = await work(engine)
            except EngineDeadError:
                await self._bury(life)
            except Aborted:
                # It is ending, for whatever reason: it is gone when the pause is over, or goes on.
                await asyncio.sleep(PAUSE_SECONDS)
                if engine.errored:
                    await self._bury(life)
            except asyncio.CancelledError:
                if self._is_closing:
                    raise EngineError(f"{self.name}: the engine was closed before it could answer") from None
                raise
            except Exception as error:
                # Its process may have died in the middle of something that reports it in another way.
                if not engine.errored:
                    raise EngineError(f"{self.name} failed: {type(error).__name__}: {error}") from error
                await self._bury(life)
            else:
                self._deaths_in_a_row = 0
                return answer
        raise EngineError(f"{self.name}: the engine died {self.max_restarts + 1} times on one request")

    async def _living(self) -> tuple[int, AsyncLLM]:
        """An engine that lives as far as is known, and its number."""
        async with self._lock:
            if self._is_closing:
                raise EngineError(f"{self.name}: the engine is closed")
            if self._engine is None and not self._failure:
                await self._restart()
            if self._engine is None:
                raise EngineError(self._failure)
            return self._life, self._engine

    async def _bury(self, life: int) -> None:
        """Note that the engine of that number is dead."""
        async with self._lock:
            if life != self._life or self._engine is None:
                return
            dead, self._engine = self._engine, None
            with suppress(Exception):
                dead.shutdown(timeout=0)
            self._deaths_in_a_row += 1
            if self._deaths_in_a_row > self.max_restarts:
                why = last_error(self.log)
                self._failure = f"{self.name}: the engine died {self._deaths_in_a_row} times in a row" + (
                    f", lastly with {why}" if why else ""
                )

    async def _restart(self) -> None:
        """Start another engine; the memory of the dead one may take a moment to come free."""
        failure = ""
        for attempt in range(START_ATTEMPTS):
            await asyncio.sleep(PAUSE_SECONDS * 4**attempt)
            if self._is_closing:
                return
            try:
                await self._start()
            except Exception as error:  # noqa: BLE001 - the border to the engine: all that wait for it get this by name
                failure = str(error)
            else:
                self.counts.restarts += 1
                return
        self._failure = f"{self.name}: the engine died and did not start again: {failure}"

    async def _stop(self) -> None:
        """End the engine and all that waits for it."""
        if self._engine is not None:
            # Without a wait: nothing in it is worth keeping, and Python takes seconds to leave.
            self._engine.shutdown(timeout=0)
            self._engine = None
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
