"""Probes that start processes or threads, send signals, or reach the processes around them."""

from __future__ import annotations

from probe import Probe

_C = "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True)\n"
_SHELL = "['/bin/sh', '-c', f'echo x > {CANARY}']"
_CHILD_EXITS = "\nif pid == 0: os._exit(0)\nif pid > 0: print(MARK)"

PROCESSES = [
    Probe("forks", "import os; pid = os.fork()" + _CHILD_EXITS),
    Probe("forks through C", _C + "pid = libc.fork()" + _CHILD_EXITS),
    Probe("forks through the raw system call", _C + "pid = libc.syscall(57)" + _CHILD_EXITS),
    Probe("clones through the raw system call", _C + "pid = libc.syscall(56, 17, 0, 0, 0, 0)" + _CHILD_EXITS),
    Probe(
        "clones through clone3",
        _C + "a = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17)\npid = libc.syscall(435, a, ctypes.sizeof(a))" + _CHILD_EXITS,
    ),
    Probe(
        "forks through the 32-bit system calls",
        """
import ctypes, mmap, os
code = bytes.fromhex('b802000000cd80c3')  # mov eax, 2 (fork); int 0x80; ret
m = mmap.mmap(-1, 4096, prot=7); m.write(code)
f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))
pid = f()"""
        + _CHILD_EXITS,
    ),
    Probe("forks a terminal", "import pty; pid, fd = pty.fork()\nimport os" + _CHILD_EXITS),
    Probe(
        "forks without end",
        "import os\nfor _ in range(40):\n    pid = os.fork()\n    if pid == 0: os._exit(0)\n    print(MARK)",
    ),
    Probe("runs a command with subprocess", f"import subprocess; subprocess.run({_SHELL})"),
    Probe("runs a command with os.system", "import os; os.system(f'echo x > {CANARY}')"),
    Probe("runs a command with os.popen", "import os; os.popen(f'echo x > {CANARY}').read()"),
    Probe("runs a command with posix_spawn", f"import os\nos.waitpid(os.posix_spawn('/bin/sh', {_SHELL}, {{}}), 0)"),
    Probe("becomes another program", f"import os; os.execv('/bin/sh', {_SHELL})", must_fail=True),
    Probe(
        "becomes another program in memory",
        "import os\nfd = os.memfd_create('x')\n"
        "os.write(fd, open('/bin/true', 'rb').read()); print(MARK, flush=True); os.execve(fd, ['x'], {})",
    ),
    Probe(
        "runs Python again",
        "import os, sys\nos.execv(sys.executable or '/usr/bin/python3', ['python', '-c',\n"
        "         f'open({CANARY!r}, \"w\")'])",
        must_fail=True,
    ),
    Probe(
        "runs a command through sympify",
        'import sympy; sympy.sympify(f\'__import__("os").system("echo x > {CANARY}")\')',
    ),
    Probe("runs a command through the C library", _C + "libc.system(f'echo x > {CANARY}'.encode())"),
    Probe(
        "starts a multiprocessing process",
        "import multiprocessing as m\n"
        "p = m.get_context('fork').Process(target=print); p.start(); p.join(); print(MARK)",
    ),
    Probe(
        "starts a process pool",
        "import concurrent.futures as c, multiprocessing as m\n"
        "with c.ProcessPoolExecutor(1, m.get_context('fork')) as p: p.submit(int).result(); print(MARK)",
        endless=True,
    ),
    Probe("signals the parent", "import os, signal; os.kill(os.getppid(), signal.SIGURG); print(MARK)"),
    Probe("signals the supervisor", "import os, signal; os.kill(SUPERVISOR, signal.SIGURG); print(MARK)"),
    Probe(
        "kills the parent", "import os\nif os.getppid() not in (0, SUPERVISOR): os.kill(os.getppid(), 9); print(MARK)"
    ),
    Probe(
        "kills the parent through C",
        _C + "if os.getppid() not in (0, SUPERVISOR) and not libc.kill(os.getppid(), 9):\n    print(MARK)",
    ),
    Probe(
        "kills through tgkill",
        _C + "p = os.getppid()\nif p not in (0, SUPERVISOR) and not libc.syscall(234, p, p, 9): print(MARK)",
    ),
    Probe("queues a signal to the parent", _C + "if not libc.sigqueue(os.getppid(), 23, None): print(MARK)"),
    Probe(
        "signals its group",
        "import os, signal\nsignal.signal(signal.SIGURG, signal.SIG_IGN)\n"
        "if os.getpgrp() != os.getpid(): os.killpg(0, signal.SIGURG); print(MARK)",
    ),
    Probe("signals everybody", "import os, signal\nos.kill(-1, signal.SIGURG); print(MARK)"),
    Probe(
        "signals its neighbours",
        "import os, signal\nme = os.getpid()\nfor p in [*range(1, 400), *range(me - 40, me + 40)]:\n"
        "    try:\n        if p > 0 and p != me: os.kill(p, signal.SIGURG); print(MARK, p)\n    except OSError: pass",
    ),
    Probe(
        "signals through a pidfd",
        "import os, signal\nfd = os.pidfd_open(os.getppid())\nsignal.pidfd_send_signal(fd, signal.SIGURG); print(MARK)",
    ),
    Probe("sends itself a signal that ends it", "import os; os.kill(os.getpid(), 9)", must_fail=True),
    Probe(
        "lets a pipe signal the supervisor",
        "import fcntl, os, signal\nr, w = os.pipe()\n"
        "fcntl.fcntl(r, fcntl.F_SETOWN, SUPERVISOR); fcntl.fcntl(r, 10, signal.SIGURG)\n"
        "fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK); os.write(w, b'x')",
    ),
    Probe("leaves its process group", "import os\nos.setpgid(0, os.getpgid(os.getppid())); print(MARK)"),
    Probe("starts a session", "import os; os.setsid(); print(MARK)"),
    Probe(
        "traces the parent",
        _C + "if not libc.ptrace(0x4206, os.getppid(), 0, 0): libc.ptrace(17, os.getppid(), 0, 0); print(MARK)",
    ),
    Probe("asks to be traced by the parent", _C + "print(MARK if not libc.ptrace(0, 0, 0, 0) else '')"),
    Probe(
        "takes the parent's descriptors",
        _C + "fd = os.pidfd_open(os.getppid())\n"
        "for n in range(64):\n    if libc.syscall(438, fd, n, 0) >= 0: print(MARK); break",
    ),
    Probe(
        "slows the parent down",
        "import os; p = os.getppid()\n"
        "os.setpriority(os.PRIO_PROCESS, p, os.getpriority(os.PRIO_PROCESS, p)); print(MARK)",
    ),
    Probe(
        "slows the supervisor down",
        "import os; p = SUPERVISOR\n"
        "os.setpriority(os.PRIO_PROCESS, p, os.getpriority(os.PRIO_PROCESS, p)); print(MARK)",
    ),
    Probe(
        "slows down everybody of its user",
        "import os; u = os.getuid()\nos.setpriority(os.PRIO_USER, u, os.getpriority(os.PRIO_USER, u)); print(MARK)",
    ),
    Probe(
        "pins the parent to a core",
        "import os; p = os.getppid()\nos.sched_setaffinity(p, os.sched_getaffinity(p)); print(MARK)",
    ),
    Probe(
        "changes the parent's limits",
        "import os, resource as r; p = os.getppid()\n"
        "r.prlimit(p, r.RLIMIT_NOFILE, r.prlimit(p, r.RLIMIT_NOFILE)); print(MARK)",
    ),
    Probe(
        "takes a real-time priority",
        "import os\n"
        "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)); print(MARK); "
        "os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))",
    ),
    Probe("raises its own priority", "import os; os.nice(-1); print(MARK)"),
    Probe("becomes root", "import os; os.setresuid(0, 0, 0); print(MARK)"),
    Probe("makes a user namespace", _C + "print(MARK if not libc.unshare(0x10000000) else '')"),
    Probe("makes a mount namespace", _C + "print(MARK if not libc.unshare(0x20000) else '')"),
    Probe(
        "enters the parent's namespaces",
        _C + "fd = os.pidfd_open(os.getppid())\nprint(MARK if not libc.setns(fd, 0x08000000) else '')",
    ),
]
