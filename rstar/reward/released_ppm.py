"""A PPM in the released layout (`value_head.bin` beside a causal model), where an engine wants it in ours.

It is turned into a model with a head of its own once (`rstar.training.value_head`), and kept in the cache folder under
the hash of its files; a second start finds it there.
"""

from __future__ import annotations

import os
import shutil
from hashlib import sha256
from pathlib import Path

from rstar.training.value_head import VALUE_HEAD, import_value_head
from tasks.sources import cache_dir, sha256_of
from tasks.types import InputError


def servable(folder: Path) -> Path:
    """`folder` itself, or where its content lies in our layout. Raises InputError where it cannot be turned into it."""
    if not (folder / VALUE_HEAD).is_file():
        return folder
    target = cache_dir() / "ppm" / _identity(folder)
    if (target / "config.json").is_file():
        return target
    part = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        import_value_head(folder, part)
        part.rename(target)
    except OSError as error:
        # Another process may have been faster.
        if (target / "config.json").is_file():
            return target
        raise InputError(
            f"{target}: cannot be written ({error.strerror}); set RSTAR_CACHE_DIR to a folder with room for the PPM"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _identity(folder: Path) -> str:
    digest = sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        digest.update(f"{path.name}\0{sha256_of(path)}\0".encode())
    return digest.hexdigest()[:24]
