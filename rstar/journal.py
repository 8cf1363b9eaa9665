"""The journal of one problem: every engine's answer, written down before it is used. Resume is replay.

After a crash the same search runs again. Requests that the journal knows are answered from it, at the cost that they
had; the first one that it does not know goes to the engine, and the search goes on live. `rstar.journaled` puts engines
behind a journal.

File format: one entry a line, `<CRC-32 of the rest, 8 hex digits> <JSON>`, first a header. It is only appended to. What
stands after the last line feed is a torn tail, the entry that a crash cut off, and is dropped. Any other damage is an
InputError. A killed process loses nothing that it wrote; a power cut may lose the last seconds, which then run again.
"""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import time
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from rstar.prompts import solution_text
from rstar.types import SearchResult
from tasks.types import InputError

FORMAT = "rstar-journal-1"
Level = Literal["none", "answers", "full"]
"""What is left of a journal once its problem is done: nothing; the finished trajectories; everything, compressed."""


class Journal:
    """One problem's journal, open for reading and appending. Use it in a `with` block.

    `identity` says which run the answers belong to (the hash of its spec): to another run they are no answers.
    Raises InputError where the file is damaged, in use, of another run or problem, or cannot be written.
    """

    def __init__(self, path: Path, problem_id: str, identity: str) -> None:
        self.path = path
        self.num_replayed = 0
        """Requests answered from the file."""
        self.num_live = 0
        """Requests answered by an engine."""
        self._header = [FORMAT, problem_id, identity]
        self._known: dict[str, bytes] = {}
        self._asked: Counter[bytes] = Counter()
        self._replayed_seconds = 0.0
        self._live_since: float | None = None
        self._descriptor = _open_locked(path)
        try:
            self._size = self._load()
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
        """Release the file as it is; a later `Journal` on the same path goes on from it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def seconds(self) -> float:
        """A clock for the search's ledger: wall time spent on this problem, earlier attempts included.

        It stands still during a replay and goes on from the time of the last replayed answer.
        """
        live = 0.0 if self._live_since is None else time.monotonic() - self._live_since
        return self._replayed_seconds + live

    async def answer(self, kind: str, request: Sequence[str], ask: Callable[[], Awaitable[Any]]) -> Any:
        """The reply, as JSON, to a request that is told apart by `kind` and `request`.

        From the file where it is known, else from `ask`, written down before it is returned. A request made a second
        time is a request of its own, so an engine that would answer differently is replayed as it was.
        """
        digest = _digest(kind, request)
        key = f"{digest.hex()}.{self._asked[digest]}"
        self._asked[digest] += 1
        line = self._known.pop(key, None)
        if line is not None:
            self.num_replayed += 1
            _, _, seconds, reply = json.loads(line)
            if self._live_since is None:
                self._replayed_seconds = max(self._replayed_seconds, seconds)
            return reply
        if self._live_since is None:
            self._live_since = time.monotonic()
        reply = await ask()
        self._append([kind, key, round(self.seconds(), 6), reply])
        self.num_live += 1
        return reply

    def content(self, start: int = 0) -> bytes:
        """The file from byte `start` on, whole lines."""
        return os.pread(self._descriptor, self._size - start, start)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._size

    def extend(self, lines: bytes) -> None:
        """Append lines that a journal of the same problem and run has written elsewhere, from this one's content on."""
        self._write(lines)

    def finish(self, result: SearchResult, level: Level) -> None:
        """End the journal of a solved problem: keep of it what `level` says, and close it."""
        if level != "none":
            content = self.content() if level == "full" else self._answers(result)
            # No time stamp: the same content gives the same file.
            _write_whole(_compressed(self.path), gzip.compress(content, compresslevel=6, mtime=0))
        else:
            _compressed(self.path).unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
        self.close()

    def _answers(self, result: SearchResult) -> bytes:
        """The header and one entry for each finished trajectory: enough to grade and to vote again."""
        entries: list[list[Any]] = [self._header]
        for each, value in zip(result.trajectories, result.values, strict=True):
            entries.append(["trajectory", each.ending, each.answer, value, solution_text(each)])
        return b"".join(map(_encode, entries))

    def _load(self) -> int:
        """Read what is there, drop a torn tail, begin the file where it is empty; returns its size."""
        content = _read_all(self._descriptor)
        size = content.rfind(b"\n") + 1
        if size < len(content):
            os.ftruncate(self._descriptor, size)
        if size == 0:
            self._size = 0
            self._append(self._header)
            return self._size
        for number, line in enumerate(_checked(self.path, content[:size]), 1):
            if number == 1:
                self._check_header(line)
            else:
                # ["kind", "key", ...: the key is cut out here and the rest is read when it is asked for.
                self._known[line.split(b'"', 4)[3].decode("ascii")] = line
        return size

    def _check_header(self, line: bytes) -> None:
        header = json.loads(line)
        if header != self._header:
            raise InputError(
                f"{self.path}: is the journal of {header!r}, not of {self._header!r}; "
                "resume the run that it belongs to, or name another results folder"
            )

    def _append(self, entry: list[Any]) -> None:
        """Write one entry."""
        self._write(_encode(entry))

    def _write(self, line: bytes) -> None:
        """Write whole lines. What does not fit is taken back whole, so the file stays readable."""
        try:
            written = os.write(self._descriptor, line)
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            raise InputError(
                f"{self.path}: cannot be written ({error.strerror}); make room and resume: nothing is lost"
            ) from error
        self._size += len(line)


def read_entries(path: Path) -> Iterator[list[Any]]:
    """The entries of a journal, compressed or not, header first; a torn tail is left out.

    Replies are [kind, key, seconds, reply]; what `finish` keeps at level `answers` is ["trajectory", ending, answer,
    value, text]. Raises InputError where the file is missing or damaged.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error}); check the path, or restore the file") from error
    for line in _checked(path, content[: content.rfind(b"\n") + 1]):
        yield json.loads(line)


def _encode(entry: list[Any]) -> bytes:
    payload = json.dumps(entry, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(payload), payload)


def _checked(path: Path, content: bytes) -> Iterator[bytes]:
    """The JSON of each line of `content`; raises InputError at the first one whose checksum is wrong."""
    position = 0
    for number, line in enumerate(content.split(b"\n")[:-1], 1):
        payload = line[9:]
        if line[:9] != b"%08x " % zlib.crc32(payload):
            raise InputError(
                f"{path}, line {number} (byte {position}): is damaged; restore the file, "
                "or delete it to run this one problem again"
            )
        position += len(line) + 1
        yield payload


def _digest(kind: str, request: Sequence[str]) -> bytes:
    digest = blake2b(kind.encode(), digest_size=12)
    for part in request:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(encoded))
        digest.update(encoded)
    return digest.digest()


def _open_locked(path: Path) -> int:
    """A descriptor of `path` to read and append, locked against a second run; unpacked first where it was finished."""
    descriptor = -1
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() and _compressed(path).is_file():
            _write_whole(path, gzip.decompress(_compressed(path).read_bytes()))
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    except BlockingIOError as error:
        os.close(descriptor)
        raise InputError(f"{path}: is in use by another run; wait for it, or stop it") from error
    except (OSError, EOFError, zlib.error) as error:
        if descriptor >= 0:
            os.close(descriptor)
        raise InputError(f"{path}: cannot be opened ({error}); name a results folder that can be written to") from error


def _read_all(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _compressed(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def _write_whole(path: Path, content: bytes) -> None:
    """Write `content` whole or not at all, and return when it has reached the disk."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); make room and resume: nothing is lost"
        ) from error
