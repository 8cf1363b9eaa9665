"""Probes that look for what the supervisor knows: its environment, its memory, its objects."""

from __future__ import annotations

from probe import Probe

SECRETS = [
    Probe("reads the environment", "import os; print(dict(os.environ))"),
    Probe(
        "reads the environment through C",
        "import ctypes\n"
        "e = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), 'environ')\n"
        "i = 0\nwhile e[i]: print(e[i]); i += 1",
    ),
    Probe("reads its own /proc environ", "print(open('/proc/self/environ').read())"),
    Probe("reads the parent's /proc environ", "import os; print(open(f'/proc/{os.getppid()}/environ').read())"),
    Probe("reads the supervisor's /proc environ", "print(MARK, open(f'/proc/{SUPERVISOR}/environ').read(1))"),
    Probe(
        "reads every /proc environ",
        "import os\nfor p in os.listdir('/proc'):\n"
        "    try: print(open(f'/proc/{p}/environ').read())\n    except OSError: pass",
    ),
    Probe(
        "guesses numbers in /proc",
        "import os\nfor p in range(1, 400):\n"
        "    try: print(MARK, open(f'/proc/{p}/cmdline').read()[:1])\n    except OSError: pass",
    ),
    Probe("reads the command line of the supervisor", "print(MARK, open(f'/proc/{SUPERVISOR}/cmdline').read(1))"),
    Probe("opens the parent's memory", "import os; open(f'/proc/{os.getppid()}/mem', 'rb'); print(MARK)"),
    Probe("opens the supervisor's memory", "open(f'/proc/{SUPERVISOR}/mem', 'rb'); print(MARK)"),
    Probe(
        "reads the parent's memory through the kernel",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
class V(ctypes.Structure): _fields_ = [('p', ctypes.c_void_p), ('n', ctypes.c_size_t)]
b = ctypes.create_string_buffer(8); probe = ctypes.create_string_buffer(b'12345678')
here = V(ctypes.addressof(b), 8)
for pid in {os.getppid(), SUPERVISOR}:
    for there in (id(None), id(int), ctypes.cast(libc.getpid, ctypes.c_void_p).value):
        if libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(V(there, 8)), 1, 0) == 8: print(MARK)
    if ctypes.get_errno() == 14: print(MARK)  # EFAULT: allowed, only the address was wrong
""",
    ),
    Probe(
        "walks the frames up to the supervisor",
        """
import sys
f, queue = sys._getframe(), []
while f: queue += [f.f_locals, f.f_globals]; f = f.f_back
seen = set()
for o in queue:  # grows as it is walked: nearest first
    if id(o) in seen or len(queue) > 300_000: continue
    seen.add(id(o))
    if isinstance(o, (str, bytes)):
        if str(o).count('secret-') and len(o) < 200: print(o)
    elif isinstance(o, dict): queue += [*o.keys(), *o.values()]
    elif isinstance(o, (list, tuple, set)): queue += o
    elif hasattr(o, '__dict__'): queue.append(vars(o))
""",
    ),
    Probe(
        "walks every object of the collector",
        """
import gc
for o in gc.get_objects():
    for space in gc.get_referents(o):
        if type(space) is dict:
            for pair in list(space.items()):
                for t in pair:
                    if isinstance(t, (str, bytes)) and len(t) < 200 and str(t).count('secret-'): print(t)
""",
    ),
    Probe(
        "searches its own memory",
        """
import os
for line in open('/proc/self/maps'):
    span, mode = line.split()[:2]
    if 'r' not in mode or '[v' in line: continue
    a, b = (int(x, 16) for x in span.split('-'))
    with open('/proc/self/mem', 'rb', 0) as f:
        f.seek(a)
        try: data = f.read(b - a)
        except OSError: continue
    i = data.find(b'secret-')
    while i >= 0: print(data[i:i + 23]); i = data.find(b'secret-', i + 1)
""",
    ),
    Probe(
        "searches the memory on its stack through C",
        """
import ctypes
libc = ctypes.CDLL(None)
program = ctypes.c_char_p.in_dll(libc, 'program_invocation_name')
data = ctypes.string_at(ctypes.cast(program, ctypes.c_void_p).value, 4096)
i = data.find(b'secret-')
while i >= 0: print(data[i:i + 23]); i = data.find(b'secret-', i + 1)
""",
    ),
    Probe("reads the kernel's log", "import ctypes\nif ctypes.CDLL(None).klogctl(10, None, 0) > 0: print(MARK)"),
]
