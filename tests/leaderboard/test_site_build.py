"""A site of whatever a results folder holds: what is shown, what is left out and said, and what a page may load."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from made_runs import Invented, make_run

from harness.cli import main
from leaderboard.build import build
from leaderboard.site_options import SiteOptions
from tasks.types import InputError

_LOADS = re.compile(r"""<(?:script|img|iframe|source|link)[^>]*\b(?:src|href)\s*=\s*["']([^"']+)""", re.IGNORECASE)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    make_run(folder, 6, budgets=[1, 2])
    make_run(folder, 6, Invented(skill=0.8), preset="weighted-best-of-n", budgets=[1, 2])
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "site"


def runs_in(results: Path) -> list[Path]:
    return sorted(path.parent for path in results.rglob("run.json"))


def text(out: Path, page: str = "index.html") -> str:
    return (out / page).read_text(encoding="utf-8")


def test_every_run_has_a_row_and_a_page(results: Path, out: Path) -> None:
    built = build(results, out)
    assert (built.num_runs, built.left_out) == (2, ())
    for run in runs_in(results):
        assert (out / "runs" / f"{run.name}.html").is_file()
        assert f'href="runs/{run.name}.html"' in text(out)


def test_a_row_shows_interval_rank_command_and_commit(results: Path, out: Path) -> None:
    build(results, out)
    [row] = re.findall(r'<tr class="ours"[^>]*data-system="tiny".*?</tr>', text(out), re.DOTALL)
    for part in (r"\d+\.\d to \d+\.\d", r"\d \[1, 2\]", "rstar run --task aime2024 --preset tiny", "commit "):
        assert re.search(part, row), part


def test_published_rows_are_told_apart_and_have_a_source(results: Path, out: Path) -> None:
    build(results, out)
    rows = re.findall(r'<tr class="published" data-kind.*?</tr>', text(out), re.DOTALL)
    assert len(rows) == 490
    assert all("arXiv:2501.04519" in row and "measured here" not in row for row in rows)


def test_a_broken_record_leaves_its_run_out_and_says_where_it_is_broken(results: Path, out: Path) -> None:
    broken, whole = runs_in(results)
    lines = (broken / "problems.jsonl").read_bytes().splitlines(keepends=True)
    (broken / "problems.jsonl").write_bytes(
        b"".join([*lines[:3], lines[3].replace(b"correct", b"corrupt", 1), *lines[4:]])
    )
    built = build(results, out)
    [left_out] = built.left_out
    assert left_out.place == f"results/aime2024/{broken.name}"
    assert "problems.jsonl, line 4" in left_out.reason
    assert str(results) not in left_out.reason, "names a folder of this machine"
    assert built.num_runs == 1
    assert (out / "runs" / f"{whole.name}.html").is_file()
    assert not list(out.rglob(f"*{broken.name}*")), "a part of the broken run is on the site"
    assert left_out.reason.replace("'", "&#39;") in text(out)


@pytest.mark.parametrize("session", [3, {}, {"started": "x", "seconds": "y"}, {"device": None}])
def test_damaged_sessions_leave_their_run_out(results: Path, out: Path, session: object) -> None:
    path = runs_in(results)[0] / "run.json"
    content = json.loads(path.read_text())
    known = content["sessions"][0]
    content["sessions"] = [known | session if isinstance(session, dict) and "device" in session else session]
    path.write_text(json.dumps(content))
    [left_out] = build(results, out).left_out
    assert "run.json: session 1: field" in left_out.reason


def test_of_two_runs_with_one_id_the_second_is_left_out(results: Path, out: Path) -> None:
    first = runs_in(results)[0]
    shutil.copytree(first, results / "copies" / "again")
    [left_out] = build(results, out).left_out
    assert left_out.place == "results/copies/again"
    assert f"has the id of results/aime2024/{first.name}" in left_out.reason


def test_a_folder_without_runs_gives_a_site_with_the_published_figures(tmp_path: Path, out: Path) -> None:
    (tmp_path / "none").mkdir()
    built = build(tmp_path / "none", out)
    assert (built.num_runs, built.left_out) == (0, ())
    assert "No run is on this site" in text(out)
    assert "arXiv:2501.04519" in text(out)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder.mkdir(), "is empty"),
        (lambda folder: (folder.mkdir(), (folder / "problems.jsonl").touch()), "holds records but no run.json"),
        (lambda folder: (folder.mkdir(), (folder / "run.json").write_text("{")), "is damaged"),
        (lambda folder: (folder.mkdir(), (folder / "run.json").write_text('{"format": "x"}')), "has the format"),
        (lambda folder: (folder.mkdir(), (folder / "evolution.json").touch()), "no round of it is finished"),
        (
            lambda folder: (
                folder.mkdir(),
                (folder / "evolution.json").touch(),
                (folder / "report.json").write_text('{"lines": [{}]}'),
            ),
            "is no report of an evolution",
        ),
    ],
)
def test_what_is_no_run_is_left_out_with_its_reason(results: Path, out: Path, make: object, reason: str) -> None:
    make(results / "odd")  # type: ignore[operator]
    [left_out] = build(results, out).left_out
    assert left_out.place == "results/odd"
    assert reason in left_out.reason


def test_strict_leaves_with_2_after_the_site_is_built(
    results: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (results / "odd").mkdir()
    arguments = ["leaderboard", "build", "--results", str(results), "--out", str(out)]
    with pytest.raises(SystemExit) as leaving:
        main(arguments)
    assert not leaving.value.code
    with pytest.raises(SystemExit) as leaving:
        main([*arguments, "--strict"])
    assert leaving.value.code == 2
    assert "results/odd: is empty" in capsys.readouterr().err
    assert (out / "index.html").is_file()


def test_the_same_results_give_the_same_site_byte_by_byte(results: Path, out: Path, tmp_path: Path) -> None:
    build(results, out, SiteOptions(workers=1))
    build(results, tmp_path / "other", SiteOptions(workers=1))
    files = sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    assert len(files) > 50
    assert [name for name in files if (out / name).read_bytes() != (tmp_path / "other" / name).read_bytes()] == []


def test_a_run_that_is_gone_is_gone_from_the_site(results: Path, out: Path) -> None:
    build(results, out)
    gone = runs_in(results)[0]
    shutil.rmtree(gone)
    build(results, out)
    assert not list(out.rglob(f"*{gone.name}*"))
    assert gone.name not in text(out)


def test_a_build_that_was_cut_off_is_done_again_without_what_it_left(
    results: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("leaderboard.build._copy_assets", cut)
        with pytest.raises(KeyboardInterrupt):
            build(results, out)
    gone = runs_in(results)[0]
    assert (out / "runs" / f"{gone.name}.html").is_file()
    shutil.rmtree(gone)
    build(results, out)
    assert not list(out.rglob(f"*{gone.name}*"))


def test_a_folder_with_other_files_is_not_taken_for_a_site(results: Path, out: Path) -> None:
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="holds files that are no site"):
        build(results, out)
    assert (out / "thesis.tex").read_text() == "years of work"


def test_a_list_of_files_cannot_lead_out_of_the_site(results: Path, out: Path) -> None:
    build(results, out)
    outside = out.parent / "precious"
    outside.write_text("keep")
    listed = json.loads((out / "site.json").read_text())
    listed["files"] |= {"../precious": "0" * 64, str(outside): "0" * 64}
    (out / "site.json").write_text(json.dumps(listed))
    build(results, out)
    assert outside.read_text() == "keep"


def test_pages_load_nothing_from_elsewhere_and_run_no_script_of_their_own(results: Path, out: Path) -> None:
    build(results, out)
    pages = list(out.rglob("*.html"))
    assert len(pages) >= 9
    for page in pages:
        content = page.read_text(encoding="utf-8")
        assert [each for each in _LOADS.findall(content) if ":" in each and each != "data:,"] == []
        assert "Content-Security-Policy" in content
        inline = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", content)
        assert all('type="application/json"' in each for each in inline), page
        assert not re.search(r"""\son\w+\s*=\s*["']""", content), page


def test_names_with_markup_show_as_text_and_end_no_script(tmp_path: Path, out: Path) -> None:
    results = tmp_path / "results"
    nasty = tmp_path / "<img src=x onerror=alert(1)>.py"
    for _ in range(2):
        source = Path(__file__).parents[1] / "harness" / "noisy_source.py"
        shutil.copy(source, nasty)
    make_run(results, 3, policy=str(nasty), budgets=[1])
    run = json.loads((runs_in(results)[0] / "run.json").read_text())
    run["sessions"][0] |= {"device": "</script><script>alert(1)</script>", "commit": "<b>dead</b>"}
    (runs_in(results)[0] / "run.json").write_text(json.dumps(run))
    build(results, out)
    for page in out.rglob("*.html"):
        content = page.read_text(encoding="utf-8")
        assert "<img src=x" not in content
        assert "<script>alert" not in content
        assert "<b>dead" not in content


def test_seeds_of_one_method_are_one_row(tmp_path: Path, out: Path) -> None:
    results = tmp_path / "results"
    for seed in (0, 1):
        make_run(results, 4, budgets=[1, 2], seeds=[seed])
    built = build(results, out)
    assert (built.num_runs, built.num_systems) == (2, 1)
    assert "2 seeds" in text(out)


def test_a_partial_run_is_shown_without_a_rank(tmp_path: Path, out: Path) -> None:
    results = tmp_path / "results"
    make_run(results, 5, Invented(num_recorded=3), budgets=[1])
    build(results, out)
    assert "not ranked: incomplete: 3 of 5 searches done" in text(out)
