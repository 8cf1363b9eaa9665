"""The file of a run's records: one line each, written through to the disk, torn tails recovered, damage named."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.atomic_file import atomic_text
from harness.record_versions import UnreadableFormatError
from harness.records import ProblemRecord, decode, encode
from tasks.types import InputError


class RecordFile:
    """The records of one run, open for appending by this process alone. Use it in a `with` block.

    Raises InputError where the file is damaged, in use by another process, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = _open_locked(path)
        try:
            self._size = self._drop_torn_tail()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def append(self, record: ProblemRecord) -> None:
        """Write one record, and return when it is on the disk. One that does not fit is taken back whole."""
        line = encode(record)
        try:
            written = 0
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            raise InputError(
                f"{self.path}: cannot be written ({error.strerror}); make room and resume: nothing is lost"
            ) from error
        self._size += len(line)

    def drop_failed(self) -> int:
        """Remove the records of problems on which the engine failed, so that they can be tried again; how many."""
        failed = sum(1 for record in read_records(self.path) if record.error)
        if failed:
            with atomic_text(self.path) as file:
                for record in read_records(self.path):
                    if not record.error:
                        file.write(encode(record).decode("ascii"))
            # The old file is gone from the folder, and with it its lock.
            old, self._descriptor = self._descriptor, _open_locked(self.path)
            os.close(old)
            self._size = self.path.stat().st_size
        return failed

    def _drop_torn_tail(self) -> int:
        """Cut off what stands after the last line feed: the record that a crash interrupted. Returns the size."""
        size = os.fstat(self._descriptor).st_size
        end, block = size, 1 << 16
        while end > 0:
            start = max(0, end - block)
            found = os.pread(self._descriptor, end - start, start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end < size:
            os.ftruncate(self._descriptor, end)
        return end


def read_records(path: Path) -> Iterator[ProblemRecord]:
    """The records at `path`, one at a time; nothing where there is no file, and without a torn last line.

    Records of old formats come as present ones. Raises InputError, naming the line, for a damaged record, for a format
    that cannot be read, and for one problem and seed that stands there twice.
    """
    seen: set[tuple[str, int]] = set()
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                try:
                    record = decode(line)
                except UnreadableFormatError as error:
                    raise InputError(f"{path}, line {number}: {error}") from error
                except ValueError as error:
                    raise InputError(
                        f"{path}, line {number}: is damaged: {error}; restore the file, or delete this line and "
                        "resume: that problem is then solved again"
                    ) from error
                if record.key in seen:
                    raise InputError(
                        f"{path}, line {number}: repeats problem {record.problem_id} with seed {record.seed}; delete "
                        "the line"
                    )
                seen.add(record.key)
                yield record
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _open_locked(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check the folder and its space") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise InputError(f"{path.parent}: this run is going on in another process; wait for it, or stop it") from error
    return descriptor
