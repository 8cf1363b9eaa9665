"""Formats of records: each line names its own, old ones are brought up, others are refused with the reason."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from test_records import RECORD

from harness import record_versions
from harness.record_file import RecordFile, read_records
from harness.record_versions import FIRST, UnreadableFormatError, is_readable
from harness.records import FORMAT, ProblemRecord, decode, encode
from tasks.types import InputError


def line(row: dict[str, Any]) -> bytes:
    """A row with a right checksum, whatever it says."""
    text = json.dumps(row, separators=(",", ":"))
    return f'{text[:-1]},"crc32":"{zlib.crc32(text.encode()):08x}"}}\n'.encode()


def row() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode(RECORD))
    del found["crc32"]
    return found


@pytest.fixture
def old_format(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A made-up line of an older format, in which rewards were called scores and stood in per cent."""

    def to_values(old: dict[str, Any]) -> dict[str, Any]:
        return {
            **{name: old[name] for name in old if name != "scores"},
            "values": [each / 100 for each in old["scores"]],
        }

    monkeypatch.setitem(record_versions.MIGRATIONS, "rstar-records-0a", ("rstar-records-0b", to_values))
    monkeypatch.setitem(record_versions.MIGRATIONS, "rstar-records-0b", (FORMAT, lambda old: old))
    written = row() | {"format": "rstar-records-0a", "scores": [100 * each for each in RECORD.values]}
    del written["values"]
    return line(written)


def test_every_line_names_its_format_first() -> None:
    assert encode(RECORD).startswith(f'{{"format":"{FORMAT}",'.encode())


def test_a_line_that_names_no_format_is_of_the_first() -> None:
    old = row()
    del old["format"]
    assert FIRST == FORMAT
    assert decode(line(old)) == RECORD


def test_an_old_format_is_brought_up_step_by_step(old_format: bytes, tmp_path: Path) -> None:
    assert decode(old_format).values == pytest.approx(RECORD.values)
    path = tmp_path / "r"
    path.write_bytes(old_format + encode(ProblemRecord("t/2", 0, error="lost")))
    assert [record.problem_id for record in read_records(path)] == ["t/1", "t/2"]
    assert is_readable("rstar-records-0a", FORMAT)


def test_rewriting_a_file_writes_the_present_format(old_format: bytes, tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(old_format + encode(ProblemRecord("t/2", 0, error="lost")))
    with RecordFile(path) as file:
        file.drop_failed()
    assert json.loads(path.read_bytes())["format"] == FORMAT


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("rstar-records-999", "is of the newer format rstar-records-999; this program reads up to"),
        ("rstar-records-old", "is of the format rstar-records-old, which kept no endings"),
        ("somebody-elses-1", "is of the unknown format 'somebody-elses-1'"),
        (None, "is of the unknown format None"),
        (["x"], "is of the unknown format"),
    ],
)
def test_other_formats_are_refused_with_the_reason(
    name: object, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(record_versions.RETIRED, "rstar-records-old", "which kept no endings; run the spec again")
    other = line(row() | {"format": name})
    with pytest.raises(UnreadableFormatError, match=reason):
        decode(other)
    path = tmp_path / "r"
    path.write_bytes(encode(ProblemRecord("t/2", 0, error="lost")) + other)
    with pytest.raises(InputError, match=f"r, line 2: {reason}"):
        list(read_records(path))
    assert not is_readable(name, FORMAT)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found | {"surprise": 1},
        lambda found: {name: found[name] for name in found if name != "timing"},
        lambda found: found | {"answers": [{"text": "7"}]},
        lambda found: found | {"usage": [1]},
    ],
)
def test_a_line_with_other_fields_is_named_as_no_record(change: Any) -> None:
    with pytest.raises(ValueError, match=f"no record of the format {FORMAT}"):
        decode(line(change(row())))


def test_the_documentation_names_every_field() -> None:
    page = Path(__file__).parents[2] / "docs" / "records.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in row() if f"`{name}`" not in text] == []
    assert f"`{FORMAT}`" in text
