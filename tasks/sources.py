"""Data files: fetched once, checked by SHA-256 on every use, read from `RSTAR_DATA_DIR` or from the cache.

`RSTAR_DATA_DIR` names a folder with local copies; it is looked into first. `RSTAR_CACHE_DIR` names the folder for
downloads (default: the platform's cache folder). A download takes its place only when it is whole and has the right
hash, so nothing half-written is ever seen.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tasks.types import InputError

State = Literal["local", "cached", "not fetched"]
HUB = "https://huggingface.co"
TIMEOUT_SECONDS = 30
"""For connecting and for silence while reading; chosen, not tuned."""
_SHOW_PROGRESS_BYTES = 5_000_000
_CHUNK_BYTES = 2**20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a source, pinned."""

    name: str
    """File name in `RSTAR_DATA_DIR`."""
    url: str
    """Names a commit or a revision, never a branch."""
    sha256: str
    """64 hex digits; empty where the publisher's own hash for the pinned revision is asked for at the download."""
    num_bytes: int
    """Size; 0 where it is not known."""


def hub_file(name: str, dataset: str, revision: str, path: str, sha256: str = "", num_bytes: int = 0) -> DataFile:
    """A file of a Hugging Face data set at a pinned revision (`HF_ENDPOINT` may name a mirror of the hub)."""
    return DataFile(name, f"{HUB}/datasets/{dataset}/resolve/{revision}/{path}", sha256, num_bytes)


def fetch(file: DataFile) -> Path:
    """A local path whose bytes are the pinned ones; downloads them at the first use.

    Raises InputError, naming the file, what was expected and what to do, for a wrong hash, a failed download or a
    folder that cannot be used.
    """
    local = _local_path(file)
    if local is not None:
        _check(local, file.sha256, "replace this copy, or unset RSTAR_DATA_DIR to download the right one")
        return local
    cached = _cached_path(file)
    if not cached.is_file():
        _download(file, cached)
    else:
        _check(cached, file.sha256 or _recorded_hash(cached), "delete the file, and it is downloaded again")
    return cached


def state(file: DataFile) -> State:
    """Where the bytes would come from now; looks at names only, so it is quick and proves no hash."""
    if _local_path(file) is not None:
        return "local"
    return "cached" if _cached_path(file).is_file() else "not fetched"


def sha256_of(path: Path) -> str:
    """SHA-256 of the file's bytes, 64 hex digits. Raises InputError where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    return digest.hexdigest()


def combined_sha256(paths: Iterable[Path]) -> str:
    """The hash of one file; of several, the SHA-256 of their hashes, one a line, in the given order."""
    hashes = [sha256_of(path) for path in paths]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(f"{one}\n" for one in hashes).encode()).hexdigest()


def cache_dir() -> Path:
    """The folder for downloads: `RSTAR_CACHE_DIR`, else the platform's own, e.g. `~/.cache/rstar-bench` on Linux."""
    if named := os.environ.get("RSTAR_CACHE_DIR"):
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("rstar-bench", appauthor=False))


def _local_path(file: DataFile) -> Path | None:
    named = os.environ.get("RSTAR_DATA_DIR")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise InputError(f"RSTAR_DATA_DIR: {folder} is not a folder; name the one that holds the data files")
    path = folder / file.name
    return path if path.is_file() else None


def _cached_path(file: DataFile) -> Path:
    """Under a folder named by the hash (by the URL where there is none), so that another version never clashes."""
    key = file.sha256 or hashlib.sha256(file.url.encode()).hexdigest()
    return cache_dir() / "data" / key[:16] / file.name


def _hash_record(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _recorded_hash(path: Path) -> str:
    try:
        return _hash_record(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return "the one recorded at the download, and that record is missing"


def _check(path: Path, expected: str, advice: str) -> None:
    found = sha256_of(path)
    if expected and found != expected:
        raise InputError(f"{path}: SHA-256 is {found}, expected {expected}; {advice}")


def _download(file: DataFile, target: Path) -> None:
    """Put the pinned bytes at `target`, whole or not at all."""
    url = _mirrored(file.url)
    expected = file.sha256
    try:
        expected = expected or _published_hash(file, url)
        _retrieve(url, expected, target, show_progress=file.num_bytes > _SHOW_PROGRESS_BYTES)
        if not file.sha256:
            _record_hash(target, expected)
    except ValueError as error:
        # Pooch's word for a hash that differs. It has removed what it downloaded.
        raise InputError(
            f"{file.name}: {url} sent other bytes than expected (SHA-256 {expected}); try again, or put a copy with "
            "that hash into a folder and set RSTAR_DATA_DIR to it"
        ) from error
    except OSError as error:
        hint = f"SHA-256 {file.sha256}" if file.sha256 else "the pinned revision"
        raise InputError(
            f"{file.name}: cannot be downloaded from {url} to {target.parent} ({_reason(error)}); expected {hint}; "
            "connect to the network, or put a copy under this name into a folder and set RSTAR_DATA_DIR to it"
            f"{_searched()}"
        ) from error


def _retrieve(url: str, sha256: str, target: Path, *, show_progress: bool) -> None:
    import pooch

    def stream(address: str, output: str, _: object) -> None:
        _stream(address, Path(output), show_progress=show_progress and sys.stderr.isatty())

    pooch.get_logger().setLevel("WARNING")
    # Writes to a temporary file beside the target, checks the hash, then renames.
    pooch.retrieve(url, f"sha256:{sha256}", fname=target.name, path=target.parent, downloader=stream)


def _stream(url: str, output: Path, *, show_progress: bool) -> None:
    """Write the body of `url` to `output`; closes the connection also after an error, which Pooch's own does not."""
    import requests
    from rich.console import Console
    from rich.progress import Progress

    progress = Progress(console=Console(stderr=True), disable=not show_progress)
    with requests.get(url, stream=True, timeout=TIMEOUT_SECONDS) as reply, output.open("wb") as file, progress:
        reply.raise_for_status()
        task = progress.add_task(url.rpartition("/")[2], total=int(reply.headers.get("Content-Length", 0)) or None)
        for chunk in reply.iter_content(_CHUNK_BYTES):
            file.write(chunk)
            progress.advance(task, len(chunk))


def _published_hash(file: DataFile, url: str) -> str:
    """The SHA-256 that the hub states for a large file at the pinned revision (its LFS object id).

    Raises OSError where the hub cannot be reached or states none.
    """
    import requests

    # Not followed: the header stands on the hub's own answer, which redirects to the storage.
    with requests.head(url, timeout=TIMEOUT_SECONDS, allow_redirects=False) as reply:
        reply.raise_for_status()
        stated = reply.headers.get("X-Linked-ETag", "").strip('W/"')
    if not _SHA256.fullmatch(stated):
        raise OSError(f"the hub states no SHA-256 for {file.name}")
    return stated


def _record_hash(path: Path, sha256: str) -> None:
    temporary = _hash_record(path).with_suffix(f".{os.getpid()}.part")
    temporary.write_text(f"{sha256}\n", encoding="ascii")
    temporary.replace(_hash_record(path))


def _mirrored(url: str) -> str:
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    return endpoint + url.removeprefix(HUB) if endpoint and url.startswith(HUB) else url


def _reason(error: OSError) -> str:
    """Why a download failed, in a few words; the libraries' own messages run over several lines."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    name = type(error).__name__
    if "Timeout" in name:
        return f"no answer within {TIMEOUT_SECONDS} seconds"
    if "Connection" in name or "Proxy" in name or "SSL" in name:
        return f"no connection: {name}"
    return error.strerror or " ".join(str(error).split())[:120]


def _searched() -> str:
    folder = os.environ.get("RSTAR_DATA_DIR")
    return f" (it is not in {folder})" if folder else ""
