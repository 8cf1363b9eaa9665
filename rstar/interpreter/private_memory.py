"""How much memory a process of ours does not share, from the kernel's accounts."""

from __future__ import annotations

import os
import resource


class PrivateMemory:
    """Reads /proc through a descriptor, because the zygote's file system has none."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._page_kibibytes = resource.getpagesize() // 1024

    def kibibytes(self, pid: int) -> int:
        """Pages that `pid` took by page faults since its fork, copied or new, in KiB; 0 where /proc is out of reach.

        An upper estimate: a page that was given back counts too. Reading the exact sum walks all of its memory.
        """
        if self._processes < 0:
            return 0
        try:
            descriptor = os.open(f"{pid}/stat", os.O_RDONLY, dir_fd=self._processes)
        except OSError:
            return 0
        try:
            # Fields after the name in parentheses; minor faults are the tenth of all (proc_pid_stat(5)).
            fields = os.read(descriptor, 4096).rpartition(b")")[2].split()
            return int(fields[7]) * self._page_kibibytes
        finally:
            os.close(descriptor)
