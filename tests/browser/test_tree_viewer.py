"""The pages of a run, a problem and a tree, as a reader, a keyboard and a screen reader use them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import hostile_run
import pytest
from conftest import NARROW, WIDE, serious
from hostile_run import ID
from hostile_source import MARKUP, SCRIPT
from playwright.sync_api import Browser, Page, expect

PROBLEM = f"hostile/{ID}"


@pytest.fixture(scope="module")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # In a process of its own: Playwright has an event loop in this one, and a search wants to start one.
    folder = tmp_path_factory.mktemp("hostile")
    program = Path(hostile_run.__file__)
    subprocess.run([sys.executable, str(program), str(folder)], check=True, cwd=Path(__file__).parents[2])
    return folder / "site"


@pytest.fixture(scope="module")
def key(hostile_site: Path) -> str:
    return next((hostile_site / "runs").glob("*.html")).stem


def address(site: Path, page: str, key: str, problem: str = PROBLEM, **more: object) -> str:
    fields = {"run": key, "problem": problem, **more}
    return f"file://{site}/{page}#" + "&".join(f"{name}={quote(str(value), safe='')}" for name, value in fields.items())


def opened(page: Page, url: str) -> Page:
    # From a blank page, because another address of the same page would only be a change of its hash.
    page.goto("about:blank")
    page.goto(url)
    expect(page.locator("[aria-busy=false]").first).to_be_attached()
    return page


def tree(page: Page, site: Path, key: str, **more: object) -> Page:
    return opened(page, address(site, "tree.html", key, **more))


def lines(page: Page) -> list[str]:
    return page.locator("[role=treeitem] .tree-title").all_inner_texts()


def selected(page: Page) -> int:
    page.wait_for_timeout(100)  # a frame or two: the list follows the next one
    return int(page.locator("[role=treeitem][aria-selected=true]").get_attribute("data-at") or -1)


def choose(page: Page, words: str) -> None:
    """Choose the first node whose line in the list holds these words, wherever it is."""
    found = page.evaluate(
        """(words) => { const view = rstar.treeView, all = Array.from({ length: view.model.size }, (_, node) => node);
        const node = all.find((each) => view.model.line(each).includes(words)); view.choose(node); return node; }""",
        words,
    )
    assert selected(page) == found


def test_hostile_text_shows_as_text_on_every_page(page: Page, hostile_site: Path, key: str) -> None:
    opened(page, f"file://{hostile_site}/runs/{key}.html")
    assert page.title() != "owned"
    opened(page, address(hostile_site, "problem.html", key))
    expect(page.locator("h1")).to_have_text(PROBLEM)
    expect(page.locator(".statement")).to_contain_text("<script>document.title='owned'</script> What is")
    expect(page.get_by_role("region", name="Answers")).to_contain_text(MARKUP)
    expect(page.get_by_role("region", name="Trajectories")).to_contain_text(MARKUP)
    closed = page.get_by_role("button", name="Show", exact=True)
    for _ in range(3):
        closed.first.click()
    expect(page.locator(".step").first).to_be_visible()
    assert page.locator("main script, main img, main b").count() == 0
    assert page.locator("main a[href^=javascript]").count() == 0
    assert page.title() != "owned"
    tree(page, hostile_site, key)
    for words in (f"{MARKUP} first", SCRIPT, f"Answer {MARKUP}", f"Answer {SCRIPT}"):
        choose(page, words)
        expect(page.locator("[data-node] h2")).to_contain_text(words.removeprefix("Answer ")[:9])
    assert page.locator("main script, main img, main b").count() == 0
    assert page.title() != "owned"


def test_formulas_are_set_and_bad_ones_stay_text(page: Page, hostile_site: Path, key: str) -> None:
    opened(page, address(hostile_site, "problem.html", key))
    expect(page.locator(".statement .katex-mathml").first).to_contain_text("1+1")
    expect(page.locator(".statement")).to_contain_text("It costs $4 or $5.")
    assert page.locator(".statement .katex-display").count() == 1
    assert page.locator(".statement a, .statement [style*='color:red']").count() == 0


def test_a_text_of_a_million_characters_is_cut_and_shown_when_asked(page: Page, hostile_site: Path, key: str) -> None:
    tree(page, hostile_site, key)
    choose(page, "xxxxx")
    panel = page.locator("[data-node]")
    expect(panel).to_contain_text("Cut: the first 4,000 of 1,000,012 characters.")
    panel.get_by_role("button", name="Show all of it").click()
    expect(panel.get_by_text("Cut:")).to_have_count(0)
    assert len(panel.locator("pre.code").inner_text()) > 1_000_000


def test_the_slider_takes_the_tree_back_in_time(page: Page, hostile_site: Path, key: str) -> None:
    tree(page, hostile_site, key)
    slider, items = page.locator("[data-slider]"), page.locator("[role=tree]")
    page.get_by_role("button", name="Expand all").click()
    size = page.evaluate("rstar.treeView.layout.order.filter((node) => rstar.treeView.model.isThere(node, 8)).length")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator("[data-when]")).to_have_text("Before the first of 8 rollouts")
    expect(items.locator("[role=treeitem]")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-when]")).to_contain_text("After rollout 1 of 8")
    assert (slider.get_attribute("aria-valuetext") or "").startswith("After rollout 1 of 8")
    then = page.evaluate("rstar.treeView.layout.order.filter((node) => rstar.treeView.model.isThere(node, 1)).length")
    assert 1 < then < size
    expect(items.locator("[role=treeitem]").first).to_contain_text("N 1")
    page.keyboard.press("End")
    expect(items.locator("[role=treeitem]").first).to_contain_text("N 8")


def test_a_step_forward_goes_to_the_end_of_that_rollout(page: Page, hostile_site: Path, key: str) -> None:
    tree(page, hostile_site, key, rollout=2)
    page.get_by_role("button", name="One rollout forward").click()
    expect(page.locator("[data-when]")).to_contain_text("After rollout 3 of 8")
    assert selected(page) == page.evaluate("rstar.treeView.model.ends[2]")


def test_the_list_of_nodes_is_used_by_keyboard(page: Page, hostile_site: Path, key: str) -> None:
    tree(page, hostile_site, key)
    held = page.get_by_role("tree")
    held.focus()
    root = selected(page)
    first = page.locator(f"#node-{root}")
    expect(first).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowLeft")
    expect(first).to_have_attribute("aria-expanded", "false")
    expect(page.locator("[role=treeitem]")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    child = selected(page)
    assert child != root
    expect(held).to_have_attribute("aria-activedescendant", f"node-{child}")
    expect(page.locator(f"#node-{child}")).to_have_attribute("aria-level", "2")
    expect(page.locator(f"#node-{child}")).to_have_attribute("aria-posinset", "1")
    page.keyboard.press("End")
    last = selected(page)
    page.keyboard.press("ArrowDown")
    assert selected(page) == last
    page.keyboard.press("Home")
    assert selected(page) == root


def test_the_jumps_go_to_the_chosen_and_to_the_best_wrong_path(page: Page, hostile_site: Path, key: str) -> None:
    tree(page, hostile_site, key)
    for words in ("chosen by weighted vote", "best wrong path"):
        option = page.locator("[data-jump] option", has_text=words)
        rollout = int(option.get_attribute("value") or -1)
        page.select_option("[data-jump]", str(rollout))
        assert selected(page) == page.evaluate("(rollout) => rstar.treeView.model.ends[rollout]", rollout)
        expect(page.locator("[data-node]")).to_contain_text("wrong")


def test_expanding_and_collapsing_all(page: Page, hostile_site: Path, key: str) -> None:
    tree(page, hostile_site, key)
    page.get_by_role("button", name="Collapse all").click()
    expect(page.locator("[role=treeitem]")).to_have_count(1)
    page.get_by_role("button", name="Expand all").click()
    shown = page.evaluate("rstar.treeView.layout.order.length")
    assert shown == page.evaluate("rstar.treeView.model.size")


def test_a_deep_link_opens_a_node_at_a_moment(page: Page, hostile_site: Path, key: str) -> None:
    tree(page, hostile_site, key, node=3, rollout=5, colour="value")
    assert selected(page) == 3
    expect(page.locator("[data-when]")).to_contain_text("After rollout 5 of 8")
    expect(page.locator("[data-colour]")).to_have_value("value")
    page.get_by_role("tree").focus()
    page.keyboard.press("Home")
    expect(page).to_have_url(re.compile("rollout=5.*node=0|node=0.*rollout=5"))


def test_a_click_in_the_drawing_chooses_the_node_there(page: Page, hostile_site: Path, key: str) -> None:
    tree(page, hostile_site, key)
    box = page.locator("[data-canvas]").bounding_box()
    assert box
    found = page.evaluate(
        """(size) => { for (let y = 4; y < size.height; y += 4) for (let x = 4; x < size.width; x += 4) {
        const node = rstar.treeView.drawing.nodeAt(x, y); if (node > 0) return { node, x, y }; } }""",
        box,
    )
    page.mouse.click(box["x"] + found["x"], box["y"] + found["y"])
    assert selected(page) == found["node"]


def test_why_a_node_died_is_said(page: Page, hostile_site: Path, key: str) -> None:
    tree(page, hostile_site, key, nodes="all")
    choose(page, "fails")
    expect(page.locator("[data-node]")).to_contain_text("Died: its program failed.")
    expect(page.locator("[data-node] pre.error")).to_contain_text("unknown")
    choose(page, "never ends")
    expect(page.locator("[data-node]")).to_contain_text("Died: the length cap cut it off.")


def test_the_grid_is_sorted_filtered_and_opened_by_keyboard(page: Page, hostile_site: Path, key: str) -> None:
    opened(page, f"file://{hostile_site}/runs/{key}.html")
    status, grid = page.locator("[data-status]"), page.locator("[data-canvas]")
    expect(status).to_have_text("3 of 3 searches")
    page.fill("[data-search]", "p2")
    expect(status).to_have_text("1 of 3 searches")
    page.fill("[data-search]", "<b")
    page.get_by_text("The same as a list of links").click()
    expect(page.locator("[data-links] a")).to_have_text(PROBLEM)
    grid.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(status).to_contain_text(f"{PROBLEM}, trajectory 2: ")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tree.html#*rollout=2*")
    expect(page.locator("[data-when]")).to_contain_text("After rollout 2 of 8")


def test_the_votes_follow_the_rule(page: Page, hostile_site: Path, key: str) -> None:
    opened(page, address(hostile_site, "problem.html", key))
    table = page.get_by_role("region", name="Answers")
    page.get_by_label("Weighed by").select_option("majority")
    last = table.locator("tbody td:last-child").all_inner_texts()
    assert sum(int(each.split()[0]) for each in last if each.strip()) == 8
    expect(page).to_have_url(re.compile("rule=majority"))
    expect(table.locator("td.won")).to_have_count(4)


@pytest.mark.parametrize(
    ("hash_", "words"),
    [
        ("run=nobody", "This site has no run nobody."),
        ("run=..%2F..%2Fevil", "The address names no run."),
        ("run=%2F%2Fevil.example%2Fx", "The address names no run."),
        ("", "The address names no run."),
    ],
)
def test_an_address_that_leads_nowhere_says_so(browser: Browser, hostile_site: Path, hash_: str, words: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in ("problem.html", "tree.html"):
        page.goto("about:blank")
        page.goto(f"file://{hostile_site}/{name}#{hash_}")
        expect(page.get_by_role("alert")).to_have_text(words)
    assert not [url for url in asked if "evil" in url.partition("#")[0]]
    page.close()


def test_a_problem_that_is_not_in_the_run_is_named(page: Page, hostile_site: Path, key: str) -> None:
    opened(page, address(hostile_site, "problem.html", key, "<i>nothing</i>"))
    expect(page.get_by_role("alert")).to_have_text(f"Run {key} has no problem <i>nothing</i>.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_page_has_serious_findings_of_axe_or_scrolls_sideways(
    browser: Browser, hostile_site: Path, key: str, scheme: str, size: dict[str, int]
) -> None:
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    for url in (
        f"file://{hostile_site}/runs/{key}.html",
        address(hostile_site, "problem.html", key),
        address(hostile_site, "tree.html", key, node=3),
    ):
        opened(page, url)
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, url
    context.close()


def test_the_page_prints_with_the_theme_s_light_colours(page: Page, hostile_site: Path, key: str) -> None:
    tree(page, hostile_site, key)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator(".time")).to_be_hidden()
