"""Runs a program where namespaces and mounts are refused, as under a container's usual system call filter. A script.

without_namespaces.py PROGRAM ARGUMENT...
"""

import ctypes
import os
import platform
import struct
import sys

# unshare, mount, umount2, pivot_root, setns by architecture (asm/unistd_64.h, asm-generic/unistd.h).
REFUSED = {"x86_64": (272, 165, 166, 155, 308), "aarch64": (97, 40, 39, 41, 268)}


def refuse_namespaces() -> None:
    """A classic BPF filter that answers EPERM for the calls above and allows the rest."""
    rules = [(0x20, 0, 0, 0)]
    for number in REFUSED[platform.machine()]:
        rules += [(0x15, 0, 1, number), (0x06, 0, 0, 0x00050001)]
    rules.append((0x06, 0, 0, 0x7FFF0000))
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("rules", ctypes.c_void_p))

    program = Program(len(rules), ctypes.addressof(text))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


if __name__ == "__main__":
    refuse_namespaces()
    os.execv(sys.argv[1], sys.argv[1:])
