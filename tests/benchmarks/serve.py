"""What `rstar serve` adds to a search, under many clients at once; and whether every answer reaches the right one.

A server process solves sums with a scripted policy that waits before each reply, as a model on a GPU would, so its
core is free most of the time. Clients come in at moments spread over a search's length, and send their next question,
each a different one, as soon as the last is answered. Every reply is compared with the same search done here. Overhead
is what a client waits beyond the search's own wall time, which the reply states: reading and checking the request,
waiting for a turn, choosing the answer, and the way there and back.

`bare` is what one would write by hand: the same search behind a Starlette route, without limits, cancellation, keys,
metrics and logs. Both servers run in the same run, one after the other, `--repeats` times.

A part of the clients vanishes in the middle of a request (`--vanishing`), and a part takes its stream slowly
(`--slow`); the server must stop the searches of the first and not be held up by the second.

    python tests/benchmarks/serve.py --clients 200 --requests 1000 --json /tmp/serve.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "harness"))

import noisy_source
import uvicorn
from serve_world import CHAT, body
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from harness.collector import rare_collections
from harness.retrying import Engines, Meter
from harness.serve import logs
from harness.serve.app import Service
from harness.serve.limits import Limits
from harness.serve.request import parse_request
from harness.serve.server import Server, listen
from harness.serve.solver import Solver, Watched
from harness.serve.text import solution_markdown
from harness.spec_fields import make_spec
from rstar.engines.arithmetic import Arithmetic
from rstar.engines.scripted import ScriptedInterpreter, ScriptedPolicy, ScriptedReward
from rstar.types import Proposal, Trajectory

NUM_QUESTIONS = 300
METHOD = {"method": "sample", "budget": 1}
NUM_REPLIES = 6
"""Of the policy, one after the other, in a search: four steps, the program's end and the answer."""


@dataclass
class Waiting:
    """A policy that answers after a while."""

    policy: ScriptedPolicy
    seconds: float

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        # Half as long to half as long again, so that searches do not march in step.
        await asyncio.sleep(self.seconds * random.Random(seed).uniform(0.5, 1.5))
        return await self.policy.propose(prefix, num_candidates, seed, temperature)


def make_solver(seconds: float, clients: int) -> Solver:
    """A solver whose policy waits `seconds` before each reply, with places for all clients."""
    policy = Waiting(ScriptedPolicy(noisy_source), seconds)
    engines = Engines(policy, ScriptedReward(noisy_source), ScriptedInterpreter(Arithmetic()), Meter())
    spec = make_spec(
        {
            "task": "chat", "engine": "scripted", "policy": noisy_source.__file__, "interpreter": "arithmetic",
            "preset": "tiny",
        }
    )  # fmt: skip
    return Solver(spec, engines, Limits(concurrency=2 * clients, max_connections=4 * clients))


def serve(kind: str, seconds: float, clients: int, port: Any) -> None:
    """A server process's life."""
    listener = listen("127.0.0.1", 0)
    port.send(listener.getsockname()[1])
    solver = make_solver(seconds, clients)
    with Path(os.devnull).open("w") as nowhere, rare_collections():
        logs.set_up(nowhere)
        if kind == "ours":
            server: uvicorn.Server = Server(Service(solver))
        else:
            config = uvicorn.Config(bare_app(solver), http="h11", ws="none", lifespan="off", log_level="error")
            server = uvicorn.Server(config)
        asyncio.run(server.serve([listener]))


def bare_app(solver: Solver) -> Starlette:
    """The alternative: a route, a search, a reply."""

    async def chat(request: Request) -> JSONResponse:
        question = solver.question(parse_request(await request.body()))
        solved = await solver._search(question, question.seeds[0], Watched(solver.engines))
        message = {"role": "assistant", "content": solution_markdown(solved.trajectory)}
        usage = {"rstar": {"wall_seconds": solved.usage.wall_seconds}}
        return JSONResponse({"choices": [{"index": 0, "message": message}], "usage": usage})

    return Starlette(routes=[Route(CHAT, chat, methods=["POST"])])


def cpu_seconds(process_id: int) -> float:
    """CPU time that a process has used."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Tally:
    """What the clients saw."""

    overheads: list[float] = field(default_factory=list)
    """Milliseconds of requests that were waited for and not streamed."""
    num_right: int = 0
    num_wrong: int = 0
    """Replies that are not the answer to the question."""
    num_lost: int = 0
    """Requests without a reply, or with an error."""
    num_vanished: int = 0


async def one_client(
    port: int, numbers: Iterator[int], expected: list[str], tally: Tally, how: argparse.Namespace
) -> None:
    """Ask until no question is left, on one connection as long as it lives."""
    line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    await asyncio.sleep(random.uniform(0, NUM_REPLIES * how.seconds))
    for number in numbers:
        rng = random.Random(number)
        if line is None:
            line = await asyncio.open_connection("127.0.0.1", port)
        kind = "vanish" if rng.random() < how.vanishing else "slow" if rng.random() < how.slow else "plain"
        content = await ask(line, number % NUM_QUESTIONS, kind, tally, rng)
        if kind == "vanish" or content is None:
            line[1].close()
            line = None
        if kind == "vanish":
            tally.num_vanished += 1
        elif content is None:
            tally.num_lost += 1
        elif content == expected[number % NUM_QUESTIONS]:
            tally.num_right += 1
        else:
            tally.num_wrong += 1
    if line is not None:
        line[1].close()


async def ask(line: Any, question: int, kind: str, tally: Tally, rng: random.Random) -> str | None:
    """The text of the reply; None where there is none."""
    reader, writer = line
    sent = json.dumps(body(question_text(question), **METHOD, stream=kind == "slow")).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(sent)}"
    begin = time.perf_counter()
    writer.write(head.encode() + b"\r\n\r\n" + sent)
    if kind == "vanish":
        await asyncio.sleep(rng.random() * 0.2)
        return None
    headers = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    if not headers.startswith("http/1.1 200"):
        return None
    if kind == "slow":
        return await read_stream(reader)
    length = int(headers.partition("content-length: ")[2].partition("\r\n")[0])
    reply = json.loads(await reader.readexactly(length))
    waited = time.perf_counter() - begin
    tally.overheads.append(1000 * (waited - reply["usage"]["rstar"]["wall_seconds"]))
    return str(reply["choices"][0]["message"]["content"])


async def read_stream(reader: asyncio.StreamReader) -> str:
    """The text of a stream, taken piece by piece with pauses."""
    text = ""
    while size := int(await reader.readline(), 16):
        piece = (await reader.readexactly(size + 2)).decode()
        await asyncio.sleep(0.02)
        if piece.startswith("data: {"):
            choices = json.loads(piece.removeprefix("data: "))["choices"]
            text += choices[0]["delta"].get("content", "") if choices else ""
    await reader.readline()
    return text


def question_text(number: int) -> str:
    """A sum of four numbers."""
    return f"What is {10 + number} + 30 + 7 + 5?"


async def expected_texts() -> list[str]:
    """The answer to every question, by the same search without a server."""
    solver, texts = make_solver(0.0, 1), []
    for number in range(NUM_QUESTIONS):
        question = solver.question(parse_request(json.dumps(body(question_text(number), **METHOD)).encode()))
        solved = await solver._search(question, question.seeds[0], Watched(solver.engines))
        texts.append(solution_markdown(solved.trajectory))
    solver.close()
    return texts


@contextmanager
def server(kind: str, how: argparse.Namespace) -> Iterator[tuple[int, int]]:
    """Port and process id of a server that lives as long as the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(kind, how.seconds, how.clients, theirs))
    process.start()
    try:
        yield ours.recv(), process.pid or 0
    finally:
        process.terminate()
        process.join(60)


async def load(port: int, expected: list[str], how: argparse.Namespace, num_requests: int) -> tuple[Tally, float]:
    """Send `num_requests` from all clients; what they saw, and how many seconds it took."""
    tally, begin, numbers = Tally(), time.perf_counter(), iter(range(num_requests))
    await asyncio.gather(*(one_client(port, numbers, expected, tally, how) for _ in range(how.clients)))
    return tally, time.perf_counter() - begin


def measure(kind: str, expected: list[str], how: argparse.Namespace) -> dict[str, Any]:
    """One server under load."""
    plain = argparse.Namespace(**vars(how) | {"vanishing": 0.0, "slow": 0.0})
    with server(kind, how) as (port, process_id):
        # Imports, caches and connections: not what is measured.
        asyncio.run(load(port, expected, plain, how.clients))
        before = cpu_seconds(process_id)
        tally, seconds = asyncio.run(load(port, expected, how if kind == "ours" else plain, how.requests))
        cpu = cpu_seconds(process_id) - before
    ranks = statistics.quantiles(tally.overheads, n=100, method="inclusive")
    return {
        "server": kind, "clients": how.clients, "requests": how.requests, "right": tally.num_right,
        "wrong": tally.num_wrong, "lost": tally.num_lost, "vanished": tally.num_vanished,
        "p50_ms": ranks[49], "p90_ms": ranks[89], "p99_ms": ranks[98], "requests_per_second": how.requests / seconds,
        "cpu_ms_per_request": 1000 * cpu / how.requests,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--requests", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=0.5, help="before each reply of the policy")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--vanishing", type=float, default=0.0, help="share of requests whose client goes away")
    parser.add_argument("--slow", type=float, default=0.0, help="share of requests that stream to a slow reader")
    parser.add_argument("--json", type=Path)
    how = parser.parse_args()
    expected = asyncio.run(expected_texts())
    rows = [measure(kind, expected, how) for _ in range(how.repeats) for kind in ("bare", "ours")]
    print("overhead in ms, CPU of the server in ms a request, requests as right/wrong/lost/vanished")
    print(f"{'':>6}{'p50':>9}{'p90':>9}{'p99':>9}{'req/s':>9}{'CPU':>8}   requests")
    for row in rows:
        print(
            f"{row['server']:>6}{row['p50_ms']:9.2f}{row['p90_ms']:9.2f}{row['p99_ms']:9.2f}"
            f"{row['requests_per_second']:9.0f}{row['cpu_ms_per_request']:8.2f}   "
            f"{row['right']}/{row['wrong']}/{row['lost']}/{row['vanished']}"
        )
    print(f"load average of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if how.json:
        how.json.write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(any(row["wrong"] or row["lost"] for row in rows))


if __name__ == "__main__":
    main()
