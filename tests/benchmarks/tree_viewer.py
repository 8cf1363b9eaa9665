"""The tree viewer on a large tree, in headless Chromium: time to load, and frames while panning, zooming and stepping.

Beside it, in the same browser, the same nodes as one SVG that is panned and zoomed by a transform: what most viewers
do. A frame is what passes between two callbacks of `requestAnimationFrame`; a screen asks for one every 16.7 ms, so no
figure falls below that. `draw` is the script's own part of a frame of ours.

    python tests/benchmarks/tree_viewer.py [--nodes 20000] [--frames 60] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))

from made_runs import make_run

from harness.kept_trees import tree_path, write_tree
from harness.record_file import read_records
from harness.records import ProblemRecord
from harness.run_folder import RECORDS, RunRecord
from harness.search_tree import Rollout, SearchTree
from leaderboard.build import build
from leaderboard.site_options import SiteOptions
from rstar.types import Ending, Execution, Step, Trajectory
from tasks.types import Problem

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
CANDIDATES = 32

PROBE = """
async ({frames, kind}) => {
  const view = rstar.treeView, drawing = view.drawing, deltas = [], draws = [];
  const slider = document.querySelector("[data-slider]");
  const next = () => new Promise((done) => requestAnimationFrame(done));
  let before = await next();
  for (let frame = 0; frame < frames; frame++) {
    if (kind === "pan") drawing.pan(frame % 40 < 20 ? 3 : -3, frame % 2 ? 37 : -29);
    if (kind === "zoom") drawing.zoom(frame % 60 < 30 ? 1.12 : 1 / 1.12);
    if (kind === "step") {
      slider.value = String(1 + (frame % view.model.numRollouts));
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const now = await next();
    deltas.push(now - before);
    before = now;
    const start = performance.now();
    drawing.draw();
    draws.push(performance.now() - start);
  }
  return { deltas, draws };
}
"""
NAIVE = """
async ({frames, kind}) => {
  const view = rstar.treeView, { model, layout } = view, space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg"), group = document.createElementNS(space, "g");
  svg.setAttribute("width", "800"); svg.setAttribute("height", "540");
  svg.append(group);
  for (const node of layout.order) {
    const x = model.depth[node] * 190, y = layout.row[node] * 30, parent = model.nodes.parent[node];
    if (parent >= 0) {
      const edge = document.createElementNS(space, "path");
      edge.setAttribute("d", `M${(model.depth[node] - 1) * 190},${layout.row[parent] * 30}L${x},${y}`);
      edge.setAttribute("stroke", "grey");
      group.append(edge);
    }
    const circle = document.createElementNS(space, "circle"), text = document.createElementNS(space, "text");
    circle.setAttribute("cx", x); circle.setAttribute("cy", y); circle.setAttribute("r", 5);
    text.setAttribute("x", x + 8); text.setAttribute("y", y);
    text.textContent = model.title(node);
    group.append(circle, text);
  }
  const main = document.querySelector("main"), children = [...main.children];
  main.replaceChildren(svg);
  const deltas = [], next = () => new Promise((done) => requestAnimationFrame(done));
  let scale = 540 / (layout.leaves * 30), x = 0, y = 0, before = await next();
  for (let frame = 0; frame < frames; frame++) {
    if (kind === "pan") { x += frame % 40 < 20 ? 3 : -3; y += frame % 2 ? 37 : -29; }
    else scale *= frame % 60 < 30 ? 1.12 : 1 / 1.12;
    group.setAttribute("transform", `translate(${x},${y}) scale(${scale})`);
    const now = await next();
    deltas.push(now - before);
    before = now;
  }
  main.replaceChildren(...children);
  return { deltas, draws: [0] };
}
"""


def main() -> None:
    """Build a site with one large tree, open it, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=20_000)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        address, size, num_bytes = site_with_tree(Path(scratch), given.nodes)
        found = measured(address, given.frames, given.chromium) | {"nodes": size, "data_bytes": num_bytes}
    load, blank = found["load_ms"], found["blank_ms"]
    print(f"{size:,} nodes, {num_bytes / 1e6:.1f} MB of data; load {load:.0f} ms (empty page {blank:.0f} ms)")
    print(f"{'':34}{'frame, median':>15}{'95 %':>9}{'draw, median':>15}")
    for name, row in found["frames"].items():
        print(f"{name:34}{row['frame_ms']:12.1f} ms{row['frame_p95_ms']:6.1f} ms{row['draw_ms']:12.1f} ms")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


def site_with_tree(scratch: Path, num_nodes: int) -> tuple[str, int, int]:
    """The address of the page, the nodes of its tree, and the size of its data."""
    folder = make_run(scratch / "results", 1)
    run = RunRecord.read(folder)
    record = next(iter(read_records(folder / RECORDS)))
    tree = large_tree(record, num_nodes)
    write_tree(tree_path(folder, record.problem_id, record.seed), tree, record, run.identity)
    build(scratch / "results", scratch / "site", SiteOptions())
    data = scratch / "site" / "data" / run.id / "tree-0.js"
    page = (scratch / "site" / "tree.html").as_uri()
    return f"{page}#run={run.id}&problem={record.problem_id}&nodes=all", len(tree.nodes), data.stat().st_size


def large_tree(record: ProblemRecord, num_nodes: int) -> SearchTree:
    """A tree as a search of the paper's size leaves it: 64 rollouts, each expanding the way that it takes."""
    rng, tree = random.Random(0), SearchTree(record.problem_id, "search")
    problem = Trajectory(Problem(record.problem_id, ""))
    root = tree.add(-1, None, problem)
    depth = max(2, round(num_nodes / (len(record.values) * CANDIDATES)))
    for rollout, place in enumerate(record.answer_of):
        node = root
        for level in range(depth):
            end: Ending = "open" if level < depth - 1 else record.endings[rollout]
            answer = record.answers[place].text if level == depth - 1 and place is not None else None
            siblings = [expanded(tree, node, level, rollout, rng, end, answer)]
            siblings += [expanded(tree, node, level, rollout, rng, "open", None) for _ in range(CANDIDATES - 1)]
            node = siblings[0]
        tree.rollouts.append(Rollout(node, node))
        while node >= 0:
            tree.nodes.visits[node] += 1
            node = tree.nodes.parent[node]
    return tree


def expanded(
    tree: SearchTree, parent: int, level: int, rollout: int, rng: random.Random, ending: Ending, answer: str | None
) -> int:
    """One more node."""
    code = f"# Step {level}: idea {rng.randrange(999)}\nx{level} = {rng.random()}"
    step = Step(f"{code}\n<end_of_step>", code, Execution("ok", f"{rng.random()}", "", 0.0))
    trajectory = Trajectory(Problem(tree.problem_id, ""), (), ending, answer)
    return tree.add(parent, step, trajectory, value=rng.uniform(-1, 1), visits=1, initial=1, born=rollout)


def measured(address: str, frames: int, chromium: str) -> dict[str, Any]:
    """Times in milliseconds."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        blank, loads = [], []
        for _ in range(3):
            blank.append(timed(lambda: page.goto("about:blank")))
            loads.append(timed(lambda: (page.goto(address), page.wait_for_selector("#tree[aria-busy=false]"))))
        found: dict[str, Any] = {
            "load_ms": statistics.median(loads),
            "blank_ms": statistics.median(blank),
            "frames": {},
        }
        for name, kind, prepare in (
            ("pan, whole tree in view", "pan", "rstar.treeView.drawing.fit()"),
            ("zoom in and out", "zoom", "rstar.treeView.drawing.fit()"),
            ("pan, labels readable", "pan", "rstar.treeView.drawing.show(rstar.treeView.model.ends[20], true)"),
            ("step through rollouts, whole tree", "step", "rstar.treeView.drawing.fit()"),
        ):
            page.evaluate(prepare)
            found["frames"][name] = summary(page.evaluate(PROBE, {"frames": frames, "kind": kind}))
        page.evaluate("rstar.treeView.drawing.fit()")
        for kind in ("pan", "zoom"):
            # Few frames: one of them may take a second.
            row = page.evaluate(NAIVE, {"frames": max(5, frames // 6), "kind": kind})
            found["frames"][f"one SVG, {kind}"] = summary(row)
        browser.close()
    return found


def timed(action: Any) -> float:
    """Milliseconds."""
    begin = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - begin)


def summary(row: dict[str, list[float]]) -> dict[str, float]:
    """Medians, and the 95th percentile of the frames."""
    deltas = sorted(row["deltas"])
    return {
        "frame_ms": statistics.median(deltas),
        "frame_p95_ms": deltas[min(len(deltas) - 1, int(0.95 * len(deltas)))],
        "draw_ms": statistics.median(row["draws"]),
    }


if __name__ == "__main__":
    main()
