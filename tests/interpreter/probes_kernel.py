"""Probes that leave something in the kernel or use parts of it that no arithmetic needs.

System call numbers are those of x86-64; on another machine a number means another call, and the probe may prove nothing.
"""

# ruff: noqa: E501 - programs stand on the lines that they need

from __future__ import annotations

from probe import Probe

_C = "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True)\n"

KERNEL = [
    Probe(
        "leaves a System V memory segment",
        _C + "i = libc.shmget(0, 4096, 0o1600)\nif i >= 0: libc.shmctl(i, 0, None); print(MARK)",
    ),
    Probe(
        "leaves a System V semaphore",
        _C + "i = libc.semget(0, 1, 0o1600)\nif i >= 0: libc.semctl(i, 0, 0); print(MARK)",
    ),
    Probe(
        "leaves a System V message queue",
        _C + "i = libc.msgget(0, 0o1600)\nif i >= 0: libc.msgctl(i, 0, None); print(MARK)",
    ),
    Probe(
        "leaves a POSIX message queue",
        _C + "n = b'/' + WORD.encode()\n"
        "rt = ctypes.CDLL('librt.so.1'); i = rt.mq_open(n, 0o102, 0o600, None)\n"
        "if i >= 0: rt.mq_unlink(n); print(MARK)",
    ),
    Probe(
        "leaves a named semaphore", "import multiprocessing as m; s = m.get_context('spawn').Semaphore(1); print(MARK)"
    ),
    Probe(
        "leaves shared memory",
        "from multiprocessing.shared_memory import SharedMemory\n"
        "s = SharedMemory(create=True, size=4096); s.buf[0] = 1; s.unlink(); print(MARK)",
    ),
    Probe(
        "leaves a key in the kernel's keyring",
        _C + "i = libc.syscall(248, b'user', WORD.encode(), b'x', 1, -2)\n"
        "if i >= 0: libc.syscall(250, 21, i, 0); print(MARK)",
    ),
    Probe(
        "hides memory in a memory file",
        "import os\nfd = os.memfd_create('x')\nfor _ in range(400): os.write(fd, bytes(1 << 20))\nprint(MARK)",
    ),
    Probe(
        "hides memory in mapped memory files",
        "import os, mmap\nfor i in range(4):\n    fd = os.memfd_create('x')\n"
        "    os.ftruncate(fd, 100 << 20)\n    for k in range(0, 100, 10):\n"
        "        m = mmap.mmap(fd, 10 << 20, offset=k << 20); m[:] = bytes(10 << 20); m.close()\nprint(MARK)",
    ),
    Probe(
        "loads a kernel program",
        _C + "a = (ctypes.c_uint32 * 32)(2, 4, 4, 4)\nif libc.syscall(321, 0, a, 128) >= 0: print(MARK)",
    ),
    Probe(
        "counts the processor's events",
        _C + "a = (ctypes.c_uint32 * 32)(1, 128, 0)\nif libc.syscall(298, a, 0, -1, -1, 0) >= 0: print(MARK)",
    ),
    Probe("handles page faults", _C + "if libc.syscall(323, 0) >= 0: print(MARK)"),
    Probe(
        "mounts a file system",
        _C + "d = FOLDER.encode() + b'/empty'\n"
        "if not libc.mount(b'x', d, b'tmpfs', 0, None): libc.umount(d); print(MARK)",
    ),
    Probe("opens a mount by itself", _C + "if libc.syscall(430, b'tmpfs', 0) >= 0: print(MARK)"),
    Probe("clones a mount tree", _C + "if libc.syscall(428, -100, b'/', 1) >= 0: print(MARK)"),
    Probe(
        "names the host",
        "import os, ctypes\nn = os.uname().nodename.encode()\n"
        "if not ctypes.CDLL(None).sethostname(n, len(n)): print(MARK)",
    ),
    Probe(
        "watches files change",
        _C + "fd = libc.inotify_init()\nif libc.inotify_add_watch(fd, FOLDER.encode(), 0xfff) >= 0: print(MARK)",
    ),
    Probe("watches a file system", _C + "if libc.fanotify_init(0, 0) >= 0: print(MARK)"),
    Probe("changes its personality", _C + "if libc.personality(0x0040000) >= 0: print(MARK)"),
    Probe("can dump its memory to disk", "import resource as r\nif r.getrlimit(r.RLIMIT_CORE)[1] != 0: print(MARK)"),
    Probe("locks memory", _C + "b = ctypes.create_string_buffer(8 << 20)\nif not libc.mlock(b, 8 << 20): print(MARK)"),
    Probe(
        "lifts its memory limit",
        "import resource as r\nr.setrlimit(r.RLIMIT_AS, (-1, -1)); x = bytearray(600 << 20); print(MARK)",
    ),
    Probe(
        "lifts its file size limit",
        "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (-1, -1))\n"
        "if r.getrlimit(r.RLIMIT_FSIZE)[1] == -1: print(MARK)",
    ),
    Probe("asks for a new terminal", "import os; os.openpty(); print(MARK)"),
    Probe(
        "locks a library file against others",
        "import fcntl, os\n"
        "fd = os.open(os.__file__, os.O_RDONLY); fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB); print(MARK)",
    ),
]
