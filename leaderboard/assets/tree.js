// The page of a search tree: what is open, which moment is shown, which node is chosen; drawing, list and panel follow.
"use strict";
(() => {
  const SMALL = 400; // nodes up to which a tree is shown whole at first. Chosen, not tuned.
  const PLAY_MS = 700;
  const page = document.getElementById("tree");
  const get = (name) => page.querySelector(`[data-${name}]`);
  const { element } = rstar;
  let view = null, timer = 0;

  window.addEventListener("hashchange", () => start());
  start();

  function start() {
    const asked = rstar.address();
    if (view && asked.run === view.index.key && asked.problem === view.id && (asked.seed ?? "") === String(view.seed)) { apply(asked); return; }
    open(asked).catch((error) => rstar.fail(get("lead"), error)).finally(() => page.setAttribute("aria-busy", "false"));
  }

  async function open(asked) {
    const found = await rstar.find(asked), { index, row } = found;
    lead(found);
    if (!index.tree[row]) throw new Error("This search has no tree here: none was kept, or none was published.");
    const [data, record] = await Promise.all([rstarLoad(`data/${index.key}/tree-${row}`), rstar.record(index, row)]);
    const model = rstar.treeModel(data, record, index.outcomes[row]), isFirst = !view;
    view = Object.assign(view ?? {}, { ...found, model, record, colour: "q", time: model.numRollouts, selected: -1, path: [], marked: new Set(), ended: new Set(),
      open: new Uint8Array(model.size).fill(1), isAll: model.size <= SMALL });
    Object.assign(view, { isShown: (node) => view.isAll || model.entered[node] === 1, choose, toggle, goTo });
    get("body").hidden = false;
    if (isFirst) build();
    prepare();
    apply(asked, true);
    rstar.treeView = view; // for the benchmark, and for whoever opens the console
  }

  function lead({ index, id, seed }) {
    document.title = `Tree of ${id} · ${index.key}`;
    page.querySelector("h1").replaceChildren("Search tree of ", element("span", { class: "model-text" }, id));
    get("lead").replaceChildren(element("a", { href: rstar.link("problem.html", { run: index.key, problem: id, seed }) }, "Problem and answers"), " · ",
      element("a", { href: new URL(`runs/${index.key}.html`, rstar.top).href }, index.key), ` · ${index.method}${index.variant ? `, ${index.variant}` : ""}`);
  }

  function build() {
    view.drawing = rstar.treeCanvas(get("canvas"), view);
    view.list = rstar.treeList(get("list"), view);
    view.panel = rstar.treeNode(get("node"), view);
    new ResizeObserver(() => view.drawing.resize()).observe(get("canvas").parentElement);
    document.addEventListener("themechange", () => view.drawing.repaint());
    view.drawing.resize();
    view.drawing.repaint();
    get("slider").addEventListener("input", () => { stop(); moment(Number(get("slider").value)); });
    get("back").addEventListener("click", () => { stop(); goTo(view.time - 1); });
    get("forth").addEventListener("click", () => { stop(); goTo(view.time + 1); });
    get("play").addEventListener("click", play);
    get("colour").addEventListener("input", () => { view.colour = get("colour").value; rstar.remember({ colour: view.colour === "q" ? "" : view.colour }); legend(); view.drawing.soon(); });
    get("nodes").addEventListener("input", () => { view.isAll = get("nodes").value === "all"; rstar.remember({ nodes: view.isAll ? "all" : "entered" }); arrange(); view.drawing.fit(); });
    get("jump").addEventListener("input", jump);
    get("expand").addEventListener("click", () => { view.open.fill(1); arrange(); view.drawing.fit(); });
    get("collapse").addEventListener("click", () => { view.open.fill(0); arrange(); view.drawing.fit(); });
    get("in").addEventListener("click", () => view.drawing.zoom(1.4));
    get("out").addEventListener("click", () => view.drawing.zoom(1 / 1.4));
    get("fit").addEventListener("click", () => view.drawing.fit());
  }

  // Everything on the page that belongs to one tree.
  function prepare() {
    const { model, index } = view, slider = get("slider"), notes = [];
    slider.max = String(model.numRollouts);
    if (model.origin === "solutions") notes.push("Only finished solutions were kept of this search: steps that were tried and dropped are not here, and Q is the mean of what was kept.");
    if (!model.isCounted) notes.push("This search backs up rollouts that it does not record, so N and Q are the final ones at every moment.");
    get("note").textContent = notes.join(" ");
    get("note").hidden = !notes.length;
    const jumps = [];
    for (const rule of [index.rule, ...index.rules.filter((each) => each !== index.rule)]) {
      const rollout = rstar.chosenRollout(view.record, rule, index.budgets.length - 1, index.budgets.at(-1));
      if (rollout >= 0) jumps.push([`chosen by ${rstar.RULES[rule]}`, rollout]);
    }
    for (const [name, letter] of [["best right path", "c"], ["best wrong path", "i"]]) {
      const rollout = rstar.bestRollout(view.record, letter);
      if (rollout >= 0) jumps.push([name, rollout]);
    }
    get("jump").replaceChildren(element("option", { value: "" }, "choose"), ...jumps.map(([name, rollout]) =>
      element("option", { value: rollout }, `${name} (rollout ${rollout + 1})`)));
    legend();
  }

  function legend() {
    const what = view.colour === "q" ? "Q" : "PPM score";
    const entry = (shape, words) => element("li", {}, element("span", { class: `shape ${shape}`, "aria-hidden": "true" }), ` ${words}`);
    get("legend").replaceChildren(element("li", {}, element("span", { class: "scale", "aria-hidden": "true" }), ` ${what} from −1 to +1`),
      entry("step", "step, larger with more visits"), entry("answer", "answer, framed: solid right, dashed wrong"), entry("hollow", `no ${what}`), entry("dead", "died"));
  }

  // The state that the address asks for.
  function apply(asked, isNew = false) {
    if (asked.nodes) view.isAll = asked.nodes === "all";
    view.colour = asked.colour === "value" ? "value" : "q";
    get("colour").value = view.colour;
    legend();
    const rollout = Number(asked.rollout);
    const time = Number.isInteger(rollout) && asked.rollout !== undefined ? Math.max(0, Math.min(view.model.numRollouts, rollout)) : view.model.numRollouts;
    let node = Number(asked.node);
    if (!Number.isInteger(node) || asked.node === undefined || node < 0 || node >= view.model.size) node = asked.rollout && time ? view.model.ends[time - 1] : view.model.roots[0];
    if (!view.isShown(node)) view.isAll = true;
    get("nodes").value = view.isAll ? "all" : "entered";
    moment(time, false);
    reach(node);
    if (isNew) view.drawing.fit();
    choose(node, Boolean(asked.node || asked.rollout));
  }

  function arrange() {
    view.layout = rstar.treeLayout(view.model, view.open, view.isShown);
    if (view.selected >= 0 && view.layout.position[view.selected] < 0) select(view.model.path(view.selected).findLast((each) => view.layout.position[each] >= 0) ?? view.model.roots[0]);
    view.list.update();
    view.drawing.soon();
  }

  // The moment after so many rollouts.
  function moment(time, isRemembered = true) {
    const { model } = view;
    view.time = time;
    view.state = model.at(time);
    view.ended = new Set(model.ends.slice(0, time));
    get("slider").value = String(time);
    const last = time ? `${rstar.OUTCOMES[view.index.outcomes[view.row][time - 1]].title}, value ${rstar.signed(view.record.values[time - 1])}` : "";
    get("when").textContent = time ? `After rollout ${time} of ${model.numRollouts}: ${last}` : `Before the first of ${model.numRollouts} rollouts`;
    get("slider").setAttribute("aria-valuetext", get("when").textContent);
    view.path = time ? model.path(model.ends[time - 1]) : [];
    view.marked = new Set([...view.path, view.selected]);
    if (!view.layout) arrange(); else { view.list.update(); view.drawing.soon(); }
    if (view.selected >= 0 && !model.isThere(view.selected, time)) select(model.path(view.selected).findLast((each) => model.isThere(each, time)));
    view.panel.soon();
    if (isRemembered) rstar.remember({ rollout: time === model.numRollouts ? "" : time });
  }

  function select(node) {
    view.selected = node;
    view.marked = new Set([...view.path, node]);
    view.list.reveal(node);
    view.panel.update();
    view.drawing.soon();
  }

  function choose(node, isMoving = false) {
    select(node);
    view.drawing.show(node, isMoving);
    rstar.remember({ run: view.index.key, problem: view.id, seed: view.seed, node });
  }

  // Open everything above a node.
  function reach(node) {
    for (const each of view.model.path(node)) if (each !== node) view.open[each] = 1;
    arrange();
  }

  function toggle(node) {
    view.open[node] = view.open[node] ? 0 : 1;
    arrange();
    view.list.reveal(node);
  }

  function goTo(time, node = undefined) {
    const now = Math.max(0, Math.min(view.model.numRollouts, time));
    moment(now);
    const end = node ?? (now ? view.model.ends[now - 1] : view.model.roots[0]);
    reach(end);
    choose(end);
  }

  function jump() {
    const rollout = Number(get("jump").value);
    if (get("jump").value === "") return;
    get("jump").value = "";
    stop();
    goTo(rollout + 1);
    view.drawing.show(view.selected, true);
  }

  function play() {
    if (timer) { stop(); return; }
    if (view.time === view.model.numRollouts) moment(0);
    get("play").textContent = "Stop";
    get("play").setAttribute("aria-pressed", "true");
    timer = setInterval(() => (view.time < view.model.numRollouts ? goTo(view.time + 1) : stop()), PLAY_MS);
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    get("play").textContent = "Play";
    get("play").setAttribute("aria-pressed", "false");
  }
})();
