"""Append-only files of checked JSON lines: what a killed process had written is there, a torn tail is dropped."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.types import InputError


class CheckedLines:
    """A file of lines `<CRC-32, 8 hex digits> <JSON>`; opening it drops a torn last line.

    Raises InputError for any other damage, with `advice`, and where the file cannot be written.
    """

    def __init__(self, path: Path, advice: str) -> None:
        self.path = path
        self.starts: list[int] = []
        """Byte at which each line begins."""
        self._size = 0
        if path.exists():
            self._check(advice)

    def append(self, value: Any) -> int:
        """Write one value and return the byte where its line begins; it is safe from a kill when this returns."""
        payload = json.dumps(value, separators=(",", ":")).encode("ascii")
        line = b"%08x %s\n" % (zlib.crc32(payload), payload)
        try:
            with self.path.open("ab") as file:
                file.write(line)
        except OSError as error:
            os.truncate(self.path, self._size)
            raise InputError(f"{self.path}: cannot be written ({error.strerror}); make room and run again") from error
        self.starts.append(self._size)
        self._size += len(line)
        return self.starts[-1]

    def values(self, starts: Iterator[int] | None = None) -> Iterator[Any]:
        """The values of the lines that begin at `starts` (default: all, in order), one in memory at a time."""
        if not self.starts:
            return
        with self.path.open("rb") as file:
            for start in self.starts if starts is None else starts:
                file.seek(start)
                yield json.loads(file.readline()[9:])

    def _check(self, advice: str) -> None:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                if line[:9] != b"%08x " % zlib.crc32(line[9:-1]):
                    raise InputError(f"{self.path}, line {number}: is damaged; {advice}")
                self.starts.append(self._size)
                self._size += len(line)
        os.truncate(self.path, self._size)
