"""Who is let into a vLLM engine, and when."""

from __future__ import annotations

import asyncio
import random
import statistics

import pytest

from rstar.engines.vllm_admission import AHEAD, Admission, Lengths, Prompt


def door(capacity: int = 1000, samples: int = 8, longest: int = 100) -> Admission:
    return Admission(capacity, samples, Lengths(longest), block_tokens=0)


async def hold(admission: Admission, prompt: int, until: asyncio.Event, order: list[int], name: int) -> None:
    async with admission.place(Prompt(prompt)):
        order.append(name)
        await until.wait()


def test_no_more_are_inside_than_run_at_once_and_the_few_ahead_of_them() -> None:
    async def main() -> int:
        admission, until = door(10**6), asyncio.Event()
        tasks = [asyncio.create_task(hold(admission, 10, until, [], number)) for number in range(30)]
        await asyncio.sleep(0)
        inside = admission.num_inside
        until.set()
        await asyncio.gather(*tasks)
        assert (admission.num_inside, admission.prompt_tokens, admission.num_waiting) == (0, 0, 0)
        return inside

    assert asyncio.run(main()) == 8 * AHEAD


def test_what_is_reserved_stays_below_the_memory() -> None:
    async def main() -> None:
        admission, until = door(), asyncio.Event()
        tasks = [asyncio.create_task(hold(admission, 200, until, [], number)) for number in range(9)]
        await asyncio.sleep(0)
        # 200 of the prompt and 50 of a reply of 100, twice a deviation of 29 for one, 50 for three, 58 for four.
        assert admission.num_inside == 3
        assert admission.needed(3, 600) == pytest.approx(850, abs=1)
        assert admission.needed(4, 800) == pytest.approx(1115, abs=1)
        until.set()
        await asyncio.gather(*tasks)

    asyncio.run(main())


def test_those_who_wait_come_in_in_order_and_nobody_overtakes() -> None:
    async def main() -> list[int]:
        admission, until, order = door(), asyncio.Event(), list[int]()
        sizes = [700, 700, 10, 10]
        tasks = [asyncio.create_task(hold(admission, size, until, order, n)) for n, size in enumerate(sizes)]
        await asyncio.sleep(0)
        assert order == [0]
        until.set()
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(main()) == [0, 1, 2, 3]


def test_the_samples_of_a_request_hold_their_prompt_once_and_until_the_last_has_left() -> None:
    async def main() -> list[int]:
        admission, shared = door(), Prompt(500)
        first, second = admission.place(shared), admission.place(shared)
        found = []
        await first.__aenter__()
        await second.__aenter__()
        found.append(admission.prompt_tokens)
        await first.__aexit__(None, None, None)
        found.append(admission.prompt_tokens)
        await second.__aexit__(None, None, None)
        return [*found, admission.prompt_tokens]

    assert asyncio.run(main()) == [500, 500, 0]


def test_a_sample_larger_than_the_memory_goes_in_alone() -> None:
    async def main() -> None:
        admission = door(capacity=50)
        async with admission.place(Prompt(10_000)):
            assert admission.num_inside == 1

    asyncio.run(asyncio.wait_for(main(), 5))


def test_one_that_gives_up_waiting_leaves_its_place_to_the_next() -> None:
    async def main() -> None:
        admission, until, order = door(), asyncio.Event(), list[int]()
        tasks = [asyncio.create_task(hold(admission, 700, until, order, number)) for number in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        until.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == [0, 2]
        assert (admission.num_inside, admission.prompt_tokens) == (0, 0)

    asyncio.run(asyncio.wait_for(main(), 5))


def test_one_that_is_cancelled_as_it_is_let_in_holds_nothing() -> None:
    async def main() -> None:
        admission, until = door(), asyncio.Event()
        first = asyncio.create_task(hold(admission, 700, until, [], 0))
        second = asyncio.create_task(hold(admission, 700, asyncio.Event(), [], 1))
        await asyncio.sleep(0)
        until.set()
        await first
        assert admission.num_inside == 1
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert (admission.num_inside, admission.prompt_tokens) == (0, 0)

    asyncio.run(asyncio.wait_for(main(), 5))


def test_short_replies_let_more_in_and_a_preemption_fewer() -> None:
    admission = door()
    before = admission.needed(100, 0)
    for _ in range(50):
        admission.note_length(10)
    assert admission.needed(100, 0) == pytest.approx(before / 10)
    admission.note_preemption()
    assert admission.needed(100, 0) > before / 10


def test_a_quiet_time_takes_the_caution_back() -> None:
    admission = door()
    admission.note_preemption()
    for _ in range(500):
        admission.note_length(10)
    assert admission.margin == 1


def test_what_is_planned_for_is_what_running_samples_hold_on_average() -> None:
    """A memory that is filled by the plan: samples write a token a step, and leave at lengths of their own."""
    generator, lengths = random.Random(0), Lengths(400)
    admission, num_within = Admission(10**6, 64, lengths, block_tokens=0), 0
    running: list[tuple[int, int]] = []
    held = list[float]()
    for step in range(6000):
        running = [(written + 1, length) for written, length in running]
        for _, length in (each for each in running if each[0] >= each[1]):
            lengths.add(length)
        running = [each for each in running if each[0] < each[1]]
        while len(running) < 64:
            running.append((0, min(400, 1 + int(generator.expovariate(1 / 60)))))
        if step > 1000:
            held.append(sum(written for written, _ in running))
            num_within += held[-1] <= admission.needed(64, 0)
    assert 64 * lengths.held == pytest.approx(statistics.mean(held), rel=0.15)
    assert 0.9 < num_within / len(held) < 1
