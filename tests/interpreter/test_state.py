"""State belongs to a path: siblings are strangers, a lost snapshot comes back the same, the same program gives the same bytes."""

# ruff: noqa: E501 - programs stand on the lines that they need

from __future__ import annotations

import contextlib
import os
import random
import signal

import pytest
from fingerprint import RANDOM
from jail import Jail, descendants

from rstar.types import Execution

_DEEP = [f"values = {list(range(5))}", *[f"values.append({n} + len(values))" for n in range(6)]]


def _seen(executions: list[Execution]) -> list[tuple[str, str, str]]:
    return [(execution.status, execution.stdout, execution.error) for execution in executions]


def test_a_step_sees_what_the_steps_before_it_defined(jail: Jail) -> None:
    assert jail.run("def f(x): return x + base", "base = 10", "print(f(5))").stdout == "15\n"


def test_siblings_do_not_see_each_other(jail: Jail) -> None:
    parent = "items = ['shared']"
    paths = [
        (parent, f"items.append({n}); mine_{n} = 1\nprint(items, [v for v in dir() if v.startswith('mine')])")
        for n in range(8)
    ]
    answers = jail.run_all(paths)
    assert [answer.stdout for answer in answers] == [f"['shared', {n}] ['mine_{n}']\n" for n in range(8)]


def test_siblings_that_import_and_change_modules_do_not_see_each_other(jail: Jail) -> None:
    parent = "import math, sys"
    paths = [(parent, f"sys.red = getattr(sys, 'red', ()) + ({n},)\nprint(sys.red)") for n in range(8)]
    assert [answer.stdout for answer in jail.run_all(paths)] == [f"({n},)\n" for n in range(8)]


def test_a_name_defined_by_one_program_is_unknown_to_the_next(jail: Jail) -> None:
    jail.run("leaked_name = 5\ndef leaked_function(): pass")
    answer = jail.run("print(leaked_name)")
    assert answer.status == "error"
    assert answer.error.startswith("NameError")


def test_a_mutable_default_and_a_closure_belong_to_their_path(jail: Jail) -> None:
    parent = "def remember(x, seen=[]):\n    seen.append(x)\n    return seen"
    paths = [(parent, f"remember({n})", "print(remember('end'))") for n in range(4)]
    assert [answer.stdout for answer in jail.run_all(paths)] == [f"[{n}, 'end']\n" for n in range(4)]


def test_a_grandchild_sees_only_its_own_line(jail: Jail) -> None:
    paths = [("a = [0]", f"a.append({n})", f"a.append({m})", "print(a)") for n in range(3) for m in range(3)]
    expected = [f"[0, {n}, {m}]\n" for n in range(3) for m in range(3)]
    assert [answer.stdout for answer in jail.run_all(paths)] == expected


def test_output_of_earlier_steps_is_not_repeated(jail: Jail) -> None:
    assert [step.stdout for step in jail.walk(["print('one')", "print('two')", "print('three')"])] == [
        "one\n",
        "two\n",
        "three\n",
    ]


def test_a_step_that_was_never_asked_for_is_replayed(jail: Jail) -> None:
    assert (
        jail.run("replay = [1]; print('noise')", "replay.append(2); print('noise')", "print(replay)").stdout
        == "[1, 2]\n"
    )


def test_a_path_walked_twice_in_different_orders_is_the_same(jail: Jail) -> None:
    forward = [jail.run(*_DEEP[: depth + 1]) for depth in range(len(_DEEP))]
    with_print = [jail.run(*_DEEP[:depth], f"print(values, {depth})") for depth in range(len(_DEEP), 0, -1)]
    assert {step.status for step in forward} == {"ok"}
    again = [jail.run(*_DEEP[:depth], f"print(values,  {depth}) # again") for depth in range(1, len(_DEEP) + 1)]
    assert [step.stdout for step in again] == [step.stdout for step in reversed(with_print)]


_TAILS = ["print(values)", pytest.param("import os\nprint(values, os.sep)", marks=pytest.mark.slow)]


@pytest.mark.parametrize("tail", _TAILS, ids=["tame", "forked"])
def test_a_lost_snapshot_comes_back_the_same(tail: str) -> None:
    """With many more paths than snapshots, the first one has long been given up when it is asked for again."""
    forced = "import os, random\nvalues = [random.random() for _ in range(3)]\nsets = {'a', 'b', 'c', 'd', 'e'}"
    first = (
        forced,
        "import os\nvalues.append(random.random()); order = [*sets]",
        tail + "\nprint(order, random.random())",
    )
    small = Jail(seconds=60, memory_mb=1024, workers=1, max_snapshots=4)
    try:
        before = small.run(*first)
        for n in range(12):
            assert small.run(f"import os\nfiller = {n}", "import os\nfiller += 1").status == "ok"
        after = small.run(*first[:2], "\n" + first[2] + "\n# asked again")
        other = small.run(*first[:2], first[2] + "\nNONCE = 1")
    finally:
        small.close()
    assert before.status == "ok"
    assert after.stdout == before.stdout
    assert len(other.stdout) > 0


_DRAWS = """
import random, uuid
import numpy as np
print(random.random(), random.sample(range(1000), 5), np.random.rand(2), np.random.permutation(5))
print(hash('text'), [*{'alpha', 'beta', 'gamma', 'delta'}], {print, len, int} and sorted({'b', 'a'}))
class Node: pass
print([*{Node: 1, int: 2}], [type(x).__name__ for x in {1.5, 'x', None, (1,)}])
import sympy
x, y, z = sympy.symbols('x y z')
print(list((x*y + y*z + z*x + x**2).free_symbols), sympy.solve([x**2 + y - 3, x - y], [x, y]), {x, y, z})
"""


def test_the_same_program_gives_the_same_bytes_in_two_interpreters(jail: Jail, clean_jail: Jail) -> None:
    assert _seen([jail.run(_DRAWS)]) == _seen([clean_jail.run(_DRAWS)])


@pytest.mark.slow
def test_the_same_program_gives_the_same_bytes_in_every_worker() -> None:
    """Four interpreters in a row, so that no memory of results and no shared zygote can answer."""
    seen = set()
    for workers in (1, 2):
        other = Jail(seconds=60, memory_mb=2048, workers=workers)
        try:
            for path in ([_DRAWS], ["import os", _DRAWS], ["y = 1", _DRAWS]):
                seen.add((len(path), *_seen([other.run(*path)])))
        finally:
            other.close()
    assert len(seen) <= 3


@pytest.mark.slow
def test_random_numbers_are_the_same_whatever_process_was_killed_before() -> None:
    other = Jail(seconds=60, memory_mb=2048, workers=2)
    chance = random.Random(0)
    seen = set()
    try:
        for n in range(40):
            answer = other.run(
                f"{RANDOM}\nimport random as r, numpy.random as q\nprint(r.Random().random(), q.default_rng().random())\nNONCE = {n}"
            )
            seen.add((answer.status, answer.stdout, answer.error))
            if n % 4 == 3:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(chance.choice(sorted(descendants())), signal.SIGKILL)
    finally:
        other.close()
    assert len(seen) == 1
    assert seen.pop()[0] == "ok"


def test_many_at_once_give_what_one_at_a_time_gives(jail: Jail, clean_jail: Jail) -> None:
    paths = [
        (f"import random\nr = [random.random() for _ in range({n % 5})]", f"print(r, {n}, random.random())")
        for n in range(40)
    ]
    assert _seen(jail.run_all(paths)) == [_seen([clean_jail.run(*path)])[0] for path in paths]


def test_a_step_that_fails_leaves_the_steps_before_it_as_they_were(jail: Jail) -> None:
    parent = "a = [1]"
    assert jail.run(parent, "a.append(2)\n1/0").status == "error"
    assert jail.run(parent, "print(a)").stdout == "[1]\n"


def test_a_step_after_one_that_could_not_run_still_answers(jail: Jail) -> None:
    answer = jail.run("x = 1", "syntax error here(", "print(x)")
    assert answer.status in ("ok", "error", "refused")


def test_a_step_after_one_that_leaves_the_process_still_answers(jail: Jail) -> None:
    for leave in (
        "import os; os._exit(0)",
        "import sys; sys.exit()",
        "while True: pass" if False else "raise SystemExit(3)",
    ):
        answer = jail.run("x = 1", leave, "print(x)")
        assert answer.status in ("ok", "error", "refused")
        assert answer.stdout in ("1\n", "")


def test_every_caller_gets_its_own_answer(jail: Jail) -> None:
    paths = [
        (f"v = {n}", "w = v * v", f"import os\nprint(v, w, {n})" if n % 2 else f"print(v, w, {n})") for n in range(200)
    ]
    assert [answer.stdout for answer in jail.run_all(paths)] == [f"{n} {n * n} {n}\n" for n in range(200)]


def test_a_recursion_limit_set_by_one_step_holds_for_the_next(jail: Jail) -> None:
    assert (
        jail.run("import sys; sys.setrecursionlimit(4000)", "print(sys.getrecursionlimit() >= 4000)").stdout == "True\n"
    )


def test_seeds_carry_over_to_the_next_step(jail: Jail) -> None:
    """A program that seeds in its first step draws in its second what plain Python draws."""
    expected = random.Random(5).random()
    assert jail.run("import random\nrandom.seed(5)", "print(random.random())").stdout == f"{expected}\n"


_BREAKING_SNAPSHOTS = {
    "closes everything a moment later": "import threading, os, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.2), os.closerange(0, 1024)), daemon=True).start()",
    "leaves a moment later": "import threading, os, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.2), os._exit(0)), daemon=True).start()",
    "writes garbage a moment later": "import threading, os, time\ndef f():\n    time.sleep(0.2)\n    for fd in range(3, 64):\n"
    "        try: os.write(fd, b'x' * 50)\n        except OSError: pass\nthreading.Thread(target=f, daemon=True).start()",
    "reads its orders away": "import threading, os\ndef f(fd):\n    while True:\n        try: os.read(fd, 9)\n        except OSError: return\n"
    "for fd in range(3, 64): threading.Thread(target=f, args=(fd,), daemon=True).start()",
    "breaks the loop around it": "import os, socket\nos._exit = os.close = os.write = socket.recv_fds = lambda *a: 0\n"
    "socket.socket.recvmsg = lambda *a: 0",
    "never comes back from a trace": "import sys\ndef f(*a):\n    while True: pass\nsys.setprofile(f)",
    "keeps the interpreter's lock": "import threading, sys\nsys.setswitchinterval(1000)\n"
    "threading.Thread(target=lambda: [0 for _ in iter(int, 1)], daemon=True).start()",
    "ends every child at once": "import os, sys\nos.register_at_fork(after_in_child=lambda: os._exit(0))",
    "holds every child": "import os\nos.register_at_fork(after_in_child=lambda: [0 for _ in iter(int, 1)])",
    "stops before every fork": "import os\nos.register_at_fork(before=lambda: [0 for _ in iter(int, 1)])",
    "takes all descriptors": "import os\nkept = []\ntry:\n    while True: kept.append(os.dup(1))\nexcept OSError: pass",
    "leaves a thousand threads": "import threading\nthreading.stack_size(65536)\nevent = threading.Event()\n"
    "try:\n    for _ in range(2000): threading.Thread(target=event.wait, daemon=True).start()\nexcept RuntimeError: pass",
    "takes nearly all memory": "kept = []\ntry:\n    while True: kept.append(bytes(1 << 16))\nexcept MemoryError: pass",
}


_HANGING = {
    "never comes back from a trace",
    "keeps the interpreter's lock",
    "takes nearly all memory",
    "reads its orders away",
}
_BREAKING = [pytest.param(k, marks=pytest.mark.slow) if k in _HANGING else k for k in _BREAKING_SNAPSHOTS]


@pytest.mark.parametrize("name", _BREAKING)
def test_the_call_after_a_step_is_answered_where_the_step(name: str, breaking_jail: Jail) -> None:
    """The step may spoil its own path, but the path's next call gets an answer and others do not notice."""
    import time

    code = _BREAKING_SNAPSHOTS[name]
    breaking_jail.walk(["x = 41", code])
    time.sleep(0.3)
    answer = breaking_jail.run("x = 41", code, "print(x + 1)")
    printed = answer.stdout.lstrip("x")  # where the machine is loaded, the garbage comes as late as into this call
    assert printed in ("42\n", "")
    assert (answer.status == "ok") == (printed == "42\n")
    assert breaking_jail.run("x = 41", f"import os\nprint(x, {name!r})").stdout == f"41 {name}\n"


_UNSEEDED = {
    "random.Random": "import random\nprint(random.Random().random())",
    "numpy.default_rng": "import numpy as np\nprint(np.random.default_rng().random(3))",
    "numpy.RandomState": "import numpy as np\nprint(np.random.RandomState().rand(3))",
    "numpy imported without its name": "exec('import num' + 'py as q')\nprint(q.random.rand(3))",
    "numpy imported out of sight": "exec('import num' + 'py')\nprint(numpy.random.rand(3))",
    "scipy.stats": "from scipy import stats\nprint(stats.norm.rvs(size=3), stats.randint(0, 100).rvs(5))",
    "sympy": "import sympy\nprint(sympy.randprime(10**6, 10**7), sympy.stats.sample(sympy.stats.Die('D', 6)) > 0, sympy.core.random.rng.random())",
    "a set of symbols": "import sympy\nprint({*sympy.symbols('a:k')}, sympy.Add(*sympy.symbols('z y x a')).args)",
}


@pytest.mark.parametrize(
    "before", ["", "earlier = 1", "import os\nearlier = os.sep"], ids=["fresh", "after tame", "after forked"]
)
@pytest.mark.parametrize("name", _UNSEEDED)
def test_chance_is_the_same_in_two_interpreters_for(name: str, before: str, jail: Jail, clean_jail: Jail) -> None:
    path = [code for code in (before, _UNSEEDED[name]) if code]
    jail.run("import random, numpy\nrandom.random(); numpy.random.rand()")
    first = jail.run(*path)
    assert first.status == "ok"
    assert clean_jail.run(*path).stdout == first.stdout


_NEARLY_THE_SAME = {
    "a lone surrogate": ("near1 = 1 # \ud912", "near1 = 1"),
    "a zero byte": ("near2 = 1 # \0", "near2 = 1"),
    "a carriage return that ends it": ("near3 = 1 # a\rprint('r')", "near3 = 1 # a"),
    "a carriage return that does not": ("near4 = 1 # a", "near4 = 1 # a\rprint('r')"),
    "a number sign in a text": ("near5 = 'a # b'\nprint(near5)", "near5 = 'a'\nprint(near5)"),
    "white space in a text": ('near6 = """a  \n\n b"""\nprint(repr(near6))', 'near6 = """a\n b"""\nprint(repr(near6))'),
    "indentation": (
        "near7 = 1\nif near7:\n  print(1)\n  # c\nprint(2)",
        "near7 = 1\nif near7:\n  print(1)\n  # c\n  print(2)",
    ),
}


@pytest.mark.parametrize("name", _NEARLY_THE_SAME)
def test_a_program_that_differs_only_nearly_in_a_comment_is_run_for_itself(
    name: str, jail: Jail, clean_jail: Jail
) -> None:
    first, second = _NEARLY_THE_SAME[name]
    jail.run(first)
    assert _seen([jail.run(second)]) == _seen([clean_jail.run(second)])


def test_a_duplicate_is_not_run_again(jail: Jail) -> None:
    code = "import time\nprint(time.perf_counter_ns(), 'once')"
    asked = [jail.run(code + tail).stdout for tail in ("", "\n", "  # with a comment", "\n\n# below\n")]
    assert len({*asked}) == 1


def test_a_duplicate_on_another_state_is_run_again(jail: Jail) -> None:
    assert [jail.run(f"state = {n}", "print(state)").stdout for n in range(3)] == ["0\n", "1\n", "2\n"]


def test_duplicates_asked_for_at_once_run_once(jail: Jail) -> None:
    code = "import time\ntime.sleep(0.1)\nprint(time.perf_counter_ns(), 'at once')"
    assert len({answer.stdout for answer in jail.run_all([[code]] * 20)}) == 1
