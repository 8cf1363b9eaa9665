"""The pages about all runs, as a reader uses them."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import NARROW, WIDE, serious
from made_runs import make_run
from playwright.sync_api import Browser, Page, expect

from leaderboard.build import build

PAGES = ("index.html", "scaling.html", "compare.html", "rounds.html", "method.html")


def column(page: Page, name: str) -> list[str]:
    """A field of the rows that are shown, in their order."""
    read = "(rows, name) => rows.map((each) => each.dataset[name])"
    found: list[str] = page.locator("#board tbody tr").evaluate_all(read, name)
    return found


def numbers(page: Page, name: str) -> list[float]:
    return [float(value) for value in column(page, name) if value]


def test_every_column_sorts_both_ways_and_keeps_what_is_missing_last(page: Page, built_site: Path) -> None:
    page.goto(f"file://{built_site}/index.html")
    for name in ("accuracy", "budget", "tokens"):
        heading = page.locator(f"button.sort[data-sort={name}]")
        heading.click()
        falling = column(page, name)
        assert numbers(page, name) == sorted(numbers(page, name), reverse=True)
        heading.click()
        assert numbers(page, name) == sorted(numbers(page, name))
        expect(page.locator(f"th:has(button[data-sort={name}])")).to_have_attribute("aria-sort", "ascending")
        missing = falling.count("")
        assert missing == column(page, name)[len(falling) - missing :].count("") if missing else True


def test_rows_are_filtered_by_task_kind_and_words(page: Page, built_site: Path) -> None:
    page.goto(f"file://{built_site}/index.html")
    page.select_option("#task", "math500")
    assert set(column(page, "task")) == {"math500"}
    page.select_option("#kind", "ours")
    assert column(page, "task") == []
    page.select_option("#task", "")
    assert set(column(page, "kind")) == {"ours"}
    assert len(column(page, "kind")) == 3
    page.select_option("#kind", "all")
    page.fill("#search", "o1-mini")
    assert set(column(page, "system")) == {"o1-mini"}
    expect(page.locator("#count")).to_contain_text("of 493 rows")


def test_search_takes_every_character_as_it_is(page: Page, built_site: Path) -> None:
    page.goto(f"file://{built_site}/index.html")
    for text in ("^64 (", "[", "\\", "<script>", '"', "*+?"):
        page.fill("#search", text)
        expect(page.locator("#count")).to_contain_text("of 493 rows")


def test_a_choice_stands_in_the_address_and_comes_back_with_it(page: Page, built_site: Path) -> None:
    page.goto(f"file://{built_site}/index.html")
    page.select_option("#task", "aime2024")
    page.locator("button.sort[data-sort=budget]").click()
    shown = column(page, "system")
    address = page.url
    assert "#" in address
    page.goto("about:blank")
    page.goto(address)
    assert column(page, "system") == shown
    assert page.input_value("#task") == "aime2024"


def test_the_axis_of_the_chart_can_be_switched_by_keyboard(page: Page, built_site: Path) -> None:
    page.goto(f"file://{built_site}/scaling.html")
    title = page.locator("#chart .xtitle")
    expect(title).to_have_text("Trajectories per problem")
    page.locator("input[name=axis][value=trajectories]").focus()
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("Tokens written by the policy, mean per problem")
    assert "axis=tokens" in page.url
    page.goto(f"file://{built_site}/scaling.html#axis=wall")
    page.reload()
    expect(title).to_contain_text("Seconds per search")


def test_a_published_task_has_a_chart_without_runs(page: Page, built_site: Path) -> None:
    page.goto(f"file://{built_site}/scaling.html")
    page.select_option("#task", "math500 (published only)")
    expect(page.locator("#chart .legendtext").first).to_contain_text("rStar-Math paper")
    expect(page.locator("input[value=tokens]")).to_be_disabled()


def test_two_runs_are_compared_and_their_flips_lead_to_the_problems(page: Page, built_site: Path) -> None:
    page.goto(f"file://{built_site}/compare.html")
    expect(page.locator("#counts")).to_contain_text("B gains 26 and loses 7 of 144")
    expect(page.locator("#sentence")).to_have_text("B is better: +13.2 points, 95 % interval +5.7 to +21.1.")
    expect(page.locator("#statistics")).to_contain_text("p = 0.0013 (exact McNemar)")
    assert page.locator("#flips tbody tr").count() == 33
    page.select_option("#which", "lost")
    expect(page.locator("#flips tbody tr")).to_have_count(7)
    page.click("#swap")
    expect(page.locator("#sentence")).to_have_text("B is worse: −13.2 points, 95 % interval −21.1 to −5.7.")
    page.locator("#flips tbody a").first.click()
    expect(page.locator("h1")).to_contain_text("procedural/")


def test_a_comparison_can_be_linked_to(page: Page, built_site: Path) -> None:
    page.goto(f"file://{built_site}/compare.html#a=tiny-builtin-3fa177c2&b=greedy-builtin-c44d4606")
    expect(page.locator("#sides thead + tbody tr").first).to_contain_text("tinygreedy")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_serious_accessibility_finding(page: Page, built_site: Path, name: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"file://{built_site}/{name}")
    page.wait_for_timeout(500)
    assert serious(page) == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_no_page_is_wider_than_the_screen(page: Page, built_site: Path, name: str, size: dict[str, int]) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(f"file://{built_site}/{name}")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_the_reader_chooses_light_or_dark_and_it_stays(page: Page, built_site: Path) -> None:
    page.goto(f"file://{built_site}/index.html")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("[data-theme-switch]")
    dark = page.evaluate(ground)
    assert dark != light
    page.goto(f"file://{built_site}/scaling.html")
    assert page.evaluate(ground) == dark


def test_everything_can_be_reached_by_keyboard_and_is_seen_to_be(page: Page, built_site: Path) -> None:
    page.goto(f"file://{built_site}/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    # What was left out comes before the filters, and this site shows only some of the trees.
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "search"
    page.locator("button.sort[data-sort=accuracy]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("th:has(button[data-sort=accuracy])")).to_have_attribute("aria-sort", "descending")


def test_print_shows_the_tables_without_the_controls(page: Page, built_site: Path) -> None:
    page.goto(f"file://{built_site}/index.html")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("#filters").is_visible()
    assert page.locator("#board").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_scripts_the_results_are_there(browser: Browser, built_site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{built_site}/index.html")
    assert page.locator("#board tbody tr").count() == 493
    context.close()


def test_a_name_with_markup_shows_as_text(page: Page, tmp_path: Path) -> None:
    results = tmp_path / "results"
    for place in ("a", "b"):
        source = tmp_path / place / "<img src=x onerror=alert(1)>.py"
        source.parent.mkdir()
        source.write_text((Path(__file__).parents[1] / "harness" / "noisy_source.py").read_text() + f"# {place}\n")
        make_run(results, 3, policy=str(source), budgets=[1], inputs={"policy_sha256": place * 64})
    build(results, tmp_path / "site")
    for name in PAGES:
        page.goto(f"file://{tmp_path}/site/{name}")
        page.wait_for_timeout(200)
        assert page.locator("img").count() == 0
    page.goto(f"file://{tmp_path}/site/index.html")
    expect(page.locator("tr.ours .sub").first).to_contain_text("<img src=x onerror=alert(1)>.py")


def test_the_first_page_is_small(built_site: Path) -> None:
    loaded = ("index.html", "assets/site.css", "assets/theme.js", "assets/overview.css", "assets/overview.js",
              "assets/list/list.min.js")  # fmt: skip
    assert sum((built_site / name).stat().st_size for name in loaded) <= 1_500_000
