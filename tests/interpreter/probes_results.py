"""Probes that try to make the supervisor report something else than what happened."""

# ruff: noqa: E501 - programs stand on the lines that they need

from __future__ import annotations

from probe import Probe

# What a frame of a result channel may look like: a length and JSON, a bare line, a pickle, a format of our own.
_FORGE = """
import json, os, pickle, struct
def forgeries():
    for record in (
        {'status': 'ok', 'stdout': MARK, 'error': '', 'seconds': 0.0}, {'status': 'ok', 'stdout': MARK},
        ['ok', MARK, '', 0.0], {'ok': True, 'result': MARK}, {'type': 'result', 'status': 'ok', 'stdout': MARK},
    ):
        text = json.dumps(record).encode()
        yield text + b'\\n'
        for form in ('>I', '<I', '>Q', '<Q'): yield struct.pack(form, len(text)) + text
        yield pickle.dumps(record)
    yield b'ok\\0' + MARK.encode() + b'\\0'
    yield MARK.encode()
"""
_SCREAM = (
    _FORGE
    + """
def scream(first=3):
    for fd in range(first, 1024):
        try: os.set_blocking(fd, False)
        except OSError: continue
        for forgery in forgeries():
            try: os.write(fd, forgery)
            except OSError: pass
"""
)

FORGED = [
    Probe("forges a result on every descriptor and dies", _SCREAM + "scream(); os._exit(0)", must_fail=True),
    Probe(
        "forges a result on every descriptor and fails", _SCREAM + "scream(); raise ValueError('truth')", must_fail=True
    ),
    Probe(
        "forges a result on every descriptor and loops",
        _SCREAM + "scream()\nwhile True: pass",
        endless=True,
        must_fail=True,
    ),
    Probe("forges a result and kills itself", _SCREAM + "scream(); os.kill(os.getpid(), 9)", must_fail=True),
    Probe(
        "writes garbage on every descriptor",
        "import os\nfor fd in range(3, 1024):\n"
        "    try: os.set_blocking(fd, False); os.write(fd, os.urandom(70000)); os.write(fd, b'\\xff' * 70000)\n"
        "    except OSError: pass\nos._exit(0)",
        must_fail=True,
    ),
    Probe(
        "announces a result of four gigabytes",
        "import os\nfor fd in range(3, 1024):\n"
        "    try: os.set_blocking(fd, False); os.write(fd, b'\\xff\\xff\\xff\\xff' * 2); os.write(fd, b'x' * 9999)\n"
        "    except OSError: pass\nos._exit(0)",
        must_fail=True,
    ),
    Probe(
        "announces a result and never sends it",
        "import os, time\nfor fd in range(3, 1024):\n"
        "    try: os.set_blocking(fd, False); os.write(fd, b'\\0\\0\\0\\x40' * 2)\n"
        "    except OSError: pass\ntime.sleep(60)",
        endless=True,
        must_fail=True,
    ),
    Probe(
        "reads the supervisor's messages away",
        "import os, time\nfor fd in range(3, 1024):\n"
        "    try: os.set_blocking(fd, False); print(MARK, os.read(fd, 9999))\n    except OSError: pass",
    ),
    Probe("closes every descriptor", "import os; os.closerange(0, 4096); os._exit(0)", must_fail=True),
    Probe(
        "closes every descriptor and loops",
        "import os; os.closerange(0, 4096)\nwhile True: pass",
        endless=True,
        must_fail=True,
    ),
    Probe(
        "points every descriptor elsewhere",
        "import os; r, w = os.pipe()\nfor fd in range(1024):\n"
        "    if fd not in (r, w):\n        try: os.fstat(fd); os.dup2(w, fd)\n        except OSError: pass\nos._exit(0)",
        must_fail=True,
    ),
    Probe("leaves at once with 0", "import os; print(1, flush=True); os._exit(0)", must_fail=True),
    Probe("leaves at once with 1", "import os; os._exit(1)", must_fail=True),
    Probe("leaves through C", "import ctypes; ctypes.CDLL(None).exit(0)", must_fail=True),
    Probe("leaves through the raw system call", "import ctypes; ctypes.CDLL(None).syscall(231, 0)", must_fail=True),
    Probe(
        "leaves from a thread",
        "import os, threading, time\nthreading.Thread(target=os._exit, args=(0,)).start(); time.sleep(60)",
        must_fail=True,
    ),
    Probe("leaves from a destructor", "import os\nclass C:\n    def __del__(s): os._exit(0)\nC()", must_fail=True),
    Probe("ends its thread only", "import ctypes; ctypes.CDLL(None).syscall(60, 0)", must_fail=True, endless=True),
    Probe(
        "calls back into the frames above",
        """
import sys
f = sys._getframe().f_back
while f:
    for name, value in {**f.f_globals, **f.f_locals}.items():
        if callable(value) and any(w in name.lower() for w in ('send', 'write', 'reply', 'report', 'respond', 'answer')):
            for args in ((MARK,), ('ok', MARK), ('ok', MARK, ''), ('ok', MARK, '', 0.0), (3, MARK.encode()),
                         ({'status': 'ok', 'stdout': MARK, 'error': '', 'seconds': 0.0},)):
                try: value(*args)
                except BaseException: pass
    f = f.f_back
raise ValueError('truth')""",
        must_fail=True,
    ),
]

_ENDINGS = {
    "exits": "import sys; sys.exit()",
    "exits with 0": "import sys; sys.exit(0)",
    "exits with a text": "import sys; sys.exit('bye')",
    "raises SystemExit": "raise SystemExit",
    "raises KeyboardInterrupt": "raise KeyboardInterrupt",
    "raises GeneratorExit": "raise GeneratorExit",
    "raises a class of its own": "class E(BaseException): pass\nraise E",
    "raises what cannot be shown": "class E(Exception):\n    def __str__(s): raise E\n    __repr__ = __str__\nraise E",
    "raises what shows nothing": "class E(Exception):\n    def __str__(s): return None\nraise E",
    "raises what exits when shown": "import os\nclass E(Exception):\n    def __str__(s): raise SystemExit(0)\nraise E",
    "raises what leaves when shown": "import os\nclass E(Exception):\n    def __str__(s): os._exit(0)\nraise E",
    "raises a class whose name cannot be read": "class M(type):\n    __name__ = property(lambda c: 1 / 0)\n"
    "class E(Exception, metaclass=M): pass\nraise E",
    "raises a class whose name is no text": "class M(type):\n    __name__ = property(lambda c: [])\n"
    "class E(Exception, metaclass=M): pass\nraise E",
    "raises a text that cannot be formatted": "class S(str):\n    def f(s, *a): raise SystemExit(0)\n"
    "    __format__ = __len__ = __getitem__ = encode = __radd__ = __add__ = f\n"
    "class E(Exception):\n    def __str__(s): return S('x')\nraise E",
    "breaks str and type and raises": "import builtins\ne = ValueError('truth')\n"
    "for n in ('str', 'type', 'repr', 'isinstance', 'getattr', 'BaseException', 'Exception', 'MemoryError'):\n"
    "    setattr(builtins, n, 5)\nraise e",
    "raises a class that lies": "class E(Exception):\n    __class__ = property(lambda s: int)\nraise E",
    "raises a text with lone surrogates": "raise ValueError('\\ud800')",
    "raises a group": "raise ExceptionGroup('a', [ValueError(1), TypeError(2)])",
    "raises with an endless cause": "a = ValueError(1); a.__cause__ = a; a.__context__ = a; raise a",
    "replaces the exception hook": "import sys\nsys.excepthook = lambda *a: print('hook')\n1 / 0",
    "breaks the way errors are printed": "import traceback, sys\n"
    "for n in dir(traceback):\n    if not n.startswith('__'): setattr(traceback, n, None)\n1 / 0",
    "asks for input": "input()",
}
ENDINGS = [
    Probe(name, code, must_fail=not name.startswith(("exits", "raises SystemExit"))) for name, code in _ENDINGS.items()
]

_SURPRISES = {
    "prints an object that cannot be shown": "class C:\n    def __str__(s): raise OSError\nprint(C())",
    "ends with a value that cannot be shown": "class C:\n    def __repr__(s): raise OSError\n    __str__ = __repr__\nC()",
    "ends with a text that cannot be added": "class S(str):\n    def f(s, *a): raise SystemExit(0)\n"
    "    __format__ = __len__ = __getitem__ = encode = __radd__ = __add__ = f\n"
    "class C:\n    def __str__(s): return S('x')\n    __repr__ = __str__\nC()",
    "ends with a value that exits": "class C:\n    def __repr__(s): raise SystemExit\n    __str__ = __repr__\nC()",
    "ends with a value that shows nothing": "class C:\n    def __repr__(s): return 1\n    __str__ = __repr__\nC()",
    "registers an exit handler that exits": "import atexit, os; atexit.register(os._exit, 0)",
    "registers an exit handler that fails": "import atexit; atexit.register(lambda: 1 / 0)",
    "takes stdout away": "import sys; sys.stdout = None",
    "deletes stdout": "import sys; del sys.stdout, sys.__stdout__, sys.stderr",
    "closes stdout": "import sys; sys.stdout.close()",
    "closes descriptors 0 to 2": "import os; [os.close(n) for n in range(3)]",
    "replaces stdout by a liar": "import sys\nclass C:\n    def write(s, t): raise OSError\n    flush = getvalue = read = write\n"
    "sys.stdout = C()\nprint(1)",
    "empties the builtins": "import builtins\nfor n in dir(builtins): \n    if not n.startswith('__'): delattr(builtins, n)",
    "breaks the builtins": "import builtins\nfor n in ('len', 'print', 'str', 'isinstance', 'bytes', 'int', 'repr', 'compile', 'exec'):\n"
    "    setattr(builtins, n, None)",
    "empties the modules": "import sys; sys.modules.clear()",
    "breaks the os module": "import os, posix\nfor m in (os, posix):\n    for n in dir(m):\n"
    "        if not n.startswith('__'): setattr(m, n, None)",
    "breaks the writer": "import os; os.write = lambda fd, data: 0",
    "breaks json and struct": "import json, struct, pickle\nfor m in (json, struct, pickle):\n    for n in dir(m):\n"
    "        if not n.startswith('__'): setattr(m, n, None)",
    "breaks the clock": "import time\n"
    "time.perf_counter = time.monotonic = time.time = time.process_time = lambda: float('nan')",
    "turns the clock back": "import time; time.perf_counter = time.monotonic = lambda: -1e9",
    "traces every line": "import sys\nsys.settrace(lambda *a: 1 / 0); sys.setprofile(lambda *a: 1 / 0)\ndef f(): pass\nf()",
    "exits from a trace": "import sys, os\nsys.setprofile(lambda f, e, a: os._exit(0) if e == 'return' else None)",
    "exits from an audit hook": "import sys, os\nsys.addaudithook(lambda e, a: os._exit(0) if e != 'x' else None)",
    "turns the collector into a weapon": "import gc, os; gc.callbacks.append(lambda *a: os._exit(0)); gc.set_threshold(1)",
    "closes the frames above": "import sys\nf = sys._getframe().f_back\nwhile f:\n    f.f_globals.clear(); f = f.f_back",
    "empties the frames above": "import sys, ctypes\nf = sys._getframe().f_back\nwhile f:\n"
    "    for n in list(f.f_locals): f.f_locals[n] = None; ctypes.pythonapi.PyFrame_LocalsToFast("
    "ctypes.py_object(f), 1)\n    f = f.f_back",
    "raises inside the thread above": "import ctypes, threading\nctypes.pythonapi.PyThreadState_SetAsyncExc("
    "ctypes.c_ulong(threading.main_thread().ident), ctypes.py_object(SystemExit))",
    "adds a pending exit": "import signal\nsignal.signal(signal.SIGALRM, lambda *a: 1 / 0); "
    "signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)",
    "leaves a thread that loops": "import threading\ndef f():\n    while True: pass\n"
    "threading.Thread(target=f, daemon=True).start()",
    "prints bytes that are no text": "import sys; sys.stdout.flush(); sys.stdout.buffer.write(b'\\xff\\xfe\\0\\xc0')",
    "prints lone surrogates": "print('\\ud800')",
    "prints zero bytes": "print('a\\0b')",
    "faults are handled by itself": "import faulthandler, signal; faulthandler.enable(); faulthandler.dump_traceback_later(0.01, exit=True)",
    "changes its own name": "import sys; sys.modules['__main__'].__dict__.clear()",
    "replaces the importer": "import builtins; builtins.__import__ = None",
    "replaces the class builder": "import builtins; builtins.__build_class__ = None",
    "closes the collector": "import gc; gc.disable(); gc.freeze()",
}
SURPRISES = [Probe(name, code) for name, code in _SURPRISES.items()]

HANGING_ENDS = [
    Probe(
        "raises what never ends being shown",
        "class E(Exception):\n    def __str__(s):\n        while True: pass\nraise E",
        endless=True,
        must_fail=True,
    ),
    Probe(
        "raises what is shown in a gigabyte",
        "class E(Exception):\n    def __str__(s): return 'x' * (60 << 20)\nraise E",
        must_fail=True,
    ),
    Probe(
        "ends with a value that never ends being shown",
        "class C:\n    def __repr__(s):\n        while True: pass\n    __str__ = __repr__\nC()",
        endless=True,
    ),
    Probe(
        "registers an exit handler that never ends",
        "import atexit\n@atexit.register\ndef f():\n    while True: pass",
        endless=True,
    ),
    Probe(
        "replaces stdout by one that never flushes",
        "import sys\nclass C:\n    def write(s, t): pass\n    def flush(s):\n"
        "        while True: pass\n    getvalue = flush\nsys.stdout = C()",
        endless=True,
    ),
    Probe("loops in a trace", "import sys\ndef f(*a):\n    while True: pass\nsys.setprofile(f)", endless=True),
    Probe(
        "leaves a thread that waits",
        "import threading; threading.Thread(target=threading.Event().wait).start()",
        endless=True,
    ),
]
