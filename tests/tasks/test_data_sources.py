"""Fetching data files, against a server on this machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks import sources
from tasks.sources import DataFile, fetch, state
from tasks.types import InputError

CONTENT = b'[{"question": "1+1?", "answer": "2"}]'
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    requests: list[str]

    def do_HEAD(self) -> None:
        self.send_response(302 if "stated" in self.path else 200)
        if "stated" in self.path:
            self.send_header("X-Linked-ETag", f'"{SHA256}"')
        self.end_headers()

    def do_GET(self) -> None:
        self.requests.append(self.path)
        self.send_response(404 if "missing" in self.path else 200)
        self.end_headers()
        self.wfile.write(CONTENT[:-9] if "short" in self.path else CONTENT)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    Handler.requests = []
    monkeypatch.setenv("RSTAR_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("RSTAR_DATA_DIR", "HF_ENDPOINT", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def files_under(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_downloaded_once_and_then_read_from_the_cache(server: str) -> None:
    file = DataFile("a.json", f"{server}/a.json", SHA256, len(CONTENT))
    assert state(file) == "not fetched"
    assert fetch(file).read_bytes() == CONTENT
    assert state(file) == "cached"
    assert fetch(file).read_bytes() == CONTENT
    assert Handler.requests == ["/a.json"]


@pytest.mark.parametrize("path", ["short/a.json", "other.json"])
def test_a_download_with_a_wrong_hash_is_refused_and_leaves_nothing(server: str, path: str, tmp_path: Path) -> None:
    expected = SHA256 if "short" in path else "0" * 64
    with pytest.raises(InputError, match=rf"^a\.json: .* sent other bytes than expected \(SHA-256 {expected}\)"):
        fetch(DataFile("a.json", f"{server}/{path}", expected, 0))
    assert files_under(tmp_path) == []


def test_a_missing_page_is_one_line_with_the_status_and_the_fix(server: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^a\.json: .*HTTP 404.*expected SHA-256 {SHA256}.*RSTAR_DATA_DIR") as caught:
        fetch(DataFile("a.json", f"{server}/missing.json", SHA256, 0))
    assert "\n" not in str(caught.value)
    assert files_under(tmp_path) == []


def test_no_network_is_one_line_with_the_fix(server: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^a\.json: cannot be downloaded .*no connection.*connect to the network"):
        fetch(DataFile("a.json", "http://127.0.0.1:9/a.json", SHA256, 0))
    assert files_under(tmp_path) == []


def test_a_changed_cached_file_is_refused(server: str) -> None:
    file = DataFile("a.json", f"{server}/a.json", SHA256, 0)
    fetch(file).write_bytes(CONTENT + b" ")
    with pytest.raises(InputError, match=rf"SHA-256 is .*, expected {SHA256}; delete the file"):
        fetch(file)


def test_a_local_copy_is_used_before_the_network(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RSTAR_DATA_DIR", str(tmp_path))
    (tmp_path / "a.json").write_bytes(CONTENT)
    file = DataFile("a.json", f"{server}/a.json", SHA256, 0)
    assert state(file) == "local"
    assert fetch(file) == tmp_path / "a.json"
    assert Handler.requests == []


def test_a_wrong_local_copy_is_refused(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RSTAR_DATA_DIR", str(tmp_path))
    (tmp_path / "a.json").write_bytes(b"[]")
    with pytest.raises(InputError, match=rf"a\.json: SHA-256 is .*, expected {SHA256}; replace this copy"):
        fetch(DataFile("a.json", f"{server}/a.json", SHA256, 0))


def test_a_data_dir_that_is_no_folder_is_refused(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSTAR_DATA_DIR", "/nowhere/at/all")
    with pytest.raises(InputError, match=r"^RSTAR_DATA_DIR: /nowhere/at/all is not a folder"):
        fetch(DataFile("a.json", f"{server}/a.json", SHA256, 0))


def test_without_a_pinned_hash_the_publishers_own_is_checked_and_recorded(server: str) -> None:
    file = DataFile("a.json", f"{server}/stated/a.json", "", 0)
    path = fetch(file)
    assert path.read_bytes() == CONTENT
    path.write_bytes(b"[]")
    with pytest.raises(InputError, match=rf"expected {SHA256}; delete the file"):
        fetch(file)


def test_without_a_pinned_hash_a_silent_publisher_is_refused(server: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the hub states no SHA-256"):
        fetch(DataFile("a.json", f"{server}/a.json", "", 0))
    assert files_under(tmp_path) == []


def test_another_version_of_a_file_does_not_clash_in_the_cache(server: str) -> None:
    other = hashlib.sha256(CONTENT[:-9]).hexdigest()
    first = fetch(DataFile("a.json", f"{server}/a.json", SHA256, 0))
    second = fetch(DataFile("a.json", f"{server}/short/a.json", other, 0))
    assert first != second
    assert first.read_bytes() == CONTENT


def test_a_hub_mirror_is_used_where_one_is_named(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server)
    fetch(sources.hub_file("a.json", "owner/set", "0" * 40, "a.json", SHA256))
    assert Handler.requests == [f"/datasets/owner/set/resolve/{'0' * 40}/a.json"]
