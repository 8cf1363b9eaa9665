"""Probes that use too much: memory, time, output, descriptors, threads, stack.

The tests run them with 256 MiB and, where `endless`, under a short time limit. Each takes at most about 700 MB and
40 s where nothing stops it.
"""

from __future__ import annotations

from probe import Probe

MEMORY = [
    Probe("takes memory in one piece", "x = bytearray(600 << 20); print(MARK)"),
    Probe("takes memory in small pieces", "x = [bytearray(1 << 20) for _ in range(600)]; print(MARK)"),
    Probe("takes memory in a list of numbers", "x = list(range(14_000_000)); print(MARK)"),
    Probe("takes memory in a string", "x = 'x' * (600 << 20); print(MARK)"),
    Probe("takes memory by doubling", "x = 'xy' * 1000\nwhile len(x) < 600 << 20: x += x\nprint(MARK)"),
    Probe("takes memory in a dictionary", "x = {i: [i] for i in range(4_000_000)}; print(MARK)"),
    Probe("takes memory in an array", "import numpy as np; x = np.ones(80_000_000); print(MARK)"),
    Probe(
        "takes memory in a map", "import mmap; m = mmap.mmap(-1, 600 << 20); m[::4096] = bytes(600 << 8); print(MARK)"
    ),
    Probe("takes memory in C", "import ctypes; x = ctypes.create_string_buffer(600 << 20); print(MARK)"),
    Probe("takes memory in a big number", "x = 1 << (600 << 23); print(MARK)"),
    Probe(
        "takes memory in nested tuples",
        "x = ()\nfor _ in range(10_000_000): x = (x,)\nprint(MARK)",
        must_fail=True,
        endless=True,
    ),
    Probe(
        "takes memory after an error",
        "try: x = bytearray(600 << 20)\n"
        "except MemoryError: pass\ny = [bytes(1 << 20) for _ in range(600)]; print(MARK)",
    ),
    Probe(
        "takes memory in threads",
        """
import threading
k = []
t = [threading.Thread(target=lambda: k.append(bytearray(60 << 20))) for _ in range(10)]
for x in t: x.start()
for x in t: x.join()
if len(k) == 10: print(MARK)""",
    ),
    Probe(
        "takes memory over several steps",
        "c = bytearray(220 << 20); print(MARK)",
        prefix=("a = bytearray(200 << 20)", "b = bytearray(200 << 20)"),
    ),
]

TIME = [
    Probe("loops", "while True: pass", endless=True),
    Probe(
        "loops and swallows everything",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        endless=True,
    ),
    Probe(
        "loops with every signal ignored",
        """
import signal
for n in range(1, 65):
    try: signal.signal(n, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: pass""",
        endless=True,
    ),
    Probe(
        "loops with every signal blocked",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
        endless=True,
    ),
    Probe(
        "cancels the alarm",
        "import signal; signal.alarm(0); signal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass",
        endless=True,
    ),
    Probe("loops in C", "max(range(10**12))", endless=True),
    Probe("loops in a sum", "import itertools; sum(itertools.count())", endless=True),
    Probe("looks for what never comes", "import itertools; 'a' in itertools.cycle('b')", endless=True),
    Probe("matches a hard pattern", "import re; re.match('(a+)+$', 'a' * 40 + 'b')", endless=True),
    Probe("computes a tower of powers", "print(9 ** 9 ** 9)", endless=True),
    Probe("computes a big factorial", "import math; math.factorial(10**8)", endless=True),
    Probe("reads a long number", "import sys; sys.set_int_max_str_digits(0); int('9' * 10**7)", endless=True),
    Probe("factors a hard number", "import sympy\nprint(sympy.factorint((2**521 - 1) * (2**607 - 1)))", endless=True),
    Probe("sleeps", "import time; time.sleep(60)", endless=True),
    Probe("waits for a lock", "import threading; l = threading.Lock(); l.acquire(); l.acquire()", endless=True),
    Probe("waits for a signal", "import signal; signal.pause()", endless=True),
    Probe("waits for a pipe", "import os; r, w = os.pipe(); os.read(r, 1)", endless=True),
    Probe(
        "waits for its own thread",
        "import threading\ndef f():\n    while True: pass\nthreading.Thread(target=f).start()",
        endless=True,
    ),
    Probe("stops itself", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", endless=True),
    Probe(
        "never finishes deleting",
        "import time\nclass C:\n    def __del__(self):\n        while True: pass\nc = C(); del c",
        endless=True,
    ),
    Probe("prints without end", "while True: print('x' * 1000)", endless=True),
    Probe("writes to descriptor 1 without end", "import os\nwhile True: os.write(1, b'x' * 1000)", endless=True),
    Probe("writes to descriptor 2 without end", "import os\nwhile True: os.write(2, b'x' * 1000)", endless=True),
    Probe("prints an endless iterator", "import itertools; print(*itertools.count())", endless=True),
    Probe(
        "compares an endless list",
        "a = []; a.append(a); b = []; b.append(b)\nwhile True:\n    try: a == b\n    except RecursionError: pass",
        endless=True,
    ),
]

AMOUNT = [
    Probe("prints a gigabyte", "for _ in range(200): print('x' * (1 << 20))"),
    Probe("prints one long line", "print('x' * (60 << 20))"),
    Probe(
        "prints bytes past the text layer", "import sys\nfor _ in range(60): sys.stdout.buffer.write(b'x' * (1 << 20))"
    ),
    Probe("fails with a long message", "raise ValueError('x' * (60 << 20))", must_fail=True),
    Probe(
        "opens many descriptors",
        "import os; d = []\n"
        "try:\n    while len(d) < 6000: d += os.pipe()\nexcept OSError: pass\nif len(d) >= 6000: print(MARK)",
    ),
    Probe(
        "fills many pipes",
        """
import os, fcntl
d, total = [], 0
try:
    while total < 500 << 20:
        r, w = os.pipe(); d += [r, w]
        fcntl.fcntl(w, 1031, 1 << 20); os.set_blocking(w, False)
        total += os.write(w, bytes(1 << 20))
except OSError: pass
if total >= 500 << 20: print(MARK)""",
    ),
    Probe(
        "starts many threads",
        """
import threading
threading.stack_size(1 << 20); e = threading.Event(); n = 0
try:
    for _ in range(400): threading.Thread(target=e.wait, daemon=True).start(); n += 1
except RuntimeError: pass
e.set()
if n >= 400: print(MARK)""",
    ),
    Probe("recurses without end", "def f(): return f()\nf()", must_fail=True),
    Probe(
        "recurses past every limit",
        "import sys; sys.setrecursionlimit(10**9)\n"
        "def f(n): return f(n - 1) + 1 if n else 0\nf(4_000_000); print(MARK)",
        endless=True,
    ),
    Probe(
        "recurses in C",
        "import sys; sys.setrecursionlimit(10**9)\nx = []\nfor _ in range(500_000): x = [x]\nrepr(x)",
        must_fail=True,
        endless=True,
    ),
    Probe(
        "recurses while comparing",
        "import sys; sys.setrecursionlimit(10**9)\nclass C:\n    def __eq__(s, o): return s == o\nC() == C()",
        must_fail=True,
    ),
    Probe("crashes", "import ctypes; ctypes.string_at(0)", must_fail=True),
    Probe("crashes by writing", "import ctypes; ctypes.memset(8, 0, 8)", must_fail=True),
    Probe("aborts", "import os; os.abort()", must_fail=True),
    Probe(
        "crashes the interpreter with made-up bytecode",
        "f = lambda: 0\nf.__code__ = f.__code__.replace(co_code=b'd\\xff' * 50, co_consts=())\nf()",
        must_fail=True,
    ),
    Probe(
        "frees what is in use", "import ctypes; ctypes.memmove(id(print) + 8, bytes(8), 8); print(1)", must_fail=True
    ),
    Probe("raises a fatal signal", "import signal; signal.raise_signal(signal.SIGSEGV)", must_fail=True),
    Probe("divides by zero in C", "import signal; signal.raise_signal(signal.SIGFPE)", must_fail=True),
]
