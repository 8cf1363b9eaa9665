"""What the server engine costs beside OpenAI's own client, on a server that answers at once.

    python tests/benchmarks/server_engine.py --requests 400

One process plays the server, another asks: the same requests for steps, as many at a time, by the engine (stop strings,
checks, retries, token counts) and by `openai.AsyncOpenAI`, in turn. CPU seconds are those of the asking process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rstar.engines.openai_server import ServerPolicy
from rstar.prompts import STEP_STOPS, prompt_text
from rstar.types import Trajectory
from tasks.types import Problem

QUESTION = "What is 12 + 30 + 7 + 5?"
STEP = "<code>\n# Step 1: add the first two\ntotal = 12 + 30\n<end_of_step>"


def serve(address: Connection) -> None:
    """A model that writes the same step again and again."""
    from model_server import model_server

    with model_server(lambda *_: STEP) as server:
        address.send(server.url)
        address.recv()


async def spread(ask: Callable[[int], Awaitable[object]], count: int, at_a_time: int) -> None:
    """`count` requests, `at_a_time` of them at once."""
    free = asyncio.Semaphore(at_a_time)

    async def one(number: int) -> None:
        async with free:
            await ask(number)

    await asyncio.gather(*map(one, range(count)))


def with_engine(url: str, count: int, at_a_time: int, candidates: int) -> None:
    start = Trajectory(Problem("p", QUESTION))
    with ServerPolicy.open(url) as policy:
        asyncio.run(spread(lambda number: policy.propose(start, candidates, number), count, at_a_time))


def with_client(url: str, count: int, at_a_time: int, candidates: int) -> None:
    import openai

    prompt, more = prompt_text(QUESTION, "rstar-sft"), {"include_stop_str_in_output": True}

    async def ask_all() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key="none") as client:

            async def ask(number: int) -> object:
                return await client.completions.create(
                    model="tiny", prompt=prompt, n=candidates, seed=number, temperature=1.0, max_tokens=2048,
                    stop=list(STEP_STOPS), extra_body=more,
                )  # fmt: skip

            await spread(ask, count, at_a_time)

    asyncio.run(ask_all())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--at-a-time", type=int, default=32)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    url = here.recv()
    rows: dict[str, list[tuple[float, float]]] = {"engine": [], "openai client": []}
    for _ in range(asked.repeats):
        for name, run in (("engine", with_engine), ("openai client", with_client)):
            wall, cpu = time.perf_counter(), time.process_time()
            run(url, asked.requests, asked.at_a_time, asked.candidates)
            rows[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    here.send("end")
    found = {
        name: {
            "requests_per_second": asked.requests / statistics.median(wall for wall, _ in times),
            "cpu_ms_per_request": 1000 * statistics.median(cpu for _, cpu in times) / asked.requests,
        }
        for name, times in rows.items()
    }
    if asked.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for name, figures in found.items():
        rate, cost = figures["requests_per_second"], figures["cpu_ms_per_request"]
        sys.stdout.write(f"{name:<14} {rate:>8,.0f} requests/s  {cost:>6.2f} CPU ms a request\n")


if __name__ == "__main__":
    main()
