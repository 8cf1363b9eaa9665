"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tasks.types import InputError

_ABOUT_THE_FILE = frozenset(
    getattr(errno, name)
    for name in "EACCES EPERM ENOENT ENOTDIR EROFS ENAMETOOLONG ELOOP ENOSPC EDQUOT EFBIG EIO".split()
)
"""Errors that another path or more space cures; any other comes from what the block does beside writing."""


@contextmanager
def atomic_text(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of `path` when the block ends well; after any exception `path` is as before.

    A symbolic link stays one: the file that it points to is replaced. Lone surrogates, which JSON may carry, are
    written as their `\\uXXXX` escape. Raises InputError where the folder is missing or cannot be written to.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is not a regular file; name one, or a new one")
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        if error.errno not in _ABOUT_THE_FILE:
            raise
        raise InputError(f"{path}: cannot be written ({error.strerror}); check the folder and its space") from error
    finally:
        temporary.unlink(missing_ok=True)
