// Two systems of one group. The statistics were made when the site was built; the flips are worked out here.
"use strict";
(() => {
  const groups = JSON.parse(document.getElementById("groups").textContent).filter((each) => each.systems.length > 1);
  const byId = (id) => document.getElementById(id);
  const [group, a, b, which] = ["group", "a", "b", "which"].map(byId);
  const percent = (value) => value.toFixed(1);
  const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
  let turn = 0; // a later choice overtakes the loading of an earlier one

  const element = (name, content, more = {}) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(more)) made.setAttribute(key, value);
    made.append(...(Array.isArray(content) ? content : [content]));
    return made;
  };
  const options = (select, names) => select.replaceChildren(...names.map((each, place) => element("option", each, { value: place })));
  const now = () => groups[group.value];
  const side = (select) => now().systems[select.value];

  const pair = () => {
    const [x, y] = [Number(a.value), Number(b.value)];
    const found = now().pairs[`${Math.min(x, y)}-${Math.max(x, y)}`];
    if (!found || x < y) return found;
    return { ...found, difference: -found.difference, low: -found.high, high: -found.low, gained: found.lost, lost: found.gained };
  };

  const tell = () => {
    const [one, other, found] = [side(a), side(b), pair()];
    const statistics = byId("statistics");
    if (a.value === b.value) {
      byId("sentence").textContent = "Choose two different systems.";
      statistics.textContent = "";
    } else if (found) {
      const isClear = found.p < 0.05;
      const gap = `${signed(found.difference)} points, 95 % interval ${signed(found.low)} to ${signed(found.high)}`;
      byId("sentence").textContent = isClear
        ? `B is ${found.difference > 0 ? "better" : "worse"}: ${gap}.`
        : `No difference shown: ${gap}.`;
      statistics.textContent =
        `p = ${found.p < 0.001 ? found.p.toExponential(1) : found.p.toPrecision(2)} (${found.test}); ` +
        `a true difference of ${percent(found.detectable)} points would be found with a chance of 80 %.`;
    } else {
      byId("sentence").textContent = `B − A: ${signed(other.accuracy[0] - one.accuracy[0])} points.`;
      statistics.textContent = `Not among the pairs that were tested here; rstar compare ${one.places[0]} ${other.places[0]} tests it.`;
    }
    byId("sides").replaceChildren(
      element("thead", element("tr", ["What", "A", "B"].map((each) => element("th", each, { scope: "col", class: "left" })))),
      element("tbody", [
        ["System", ...[one, other].map((each) => element("a", each.name, { href: `runs/${each.keys[0]}.html` }))],
        ["Accuracy, %", ...[one, other].map(({ accuracy: [value, low, high] }) => `${percent(value)} [${percent(low)}, ${percent(high)}]`)],
        ["Answer by", ...[one, other].map((each) => `${each.rule}, ${each.budget} trajectories`)],
        ["Tokens per problem", ...[one, other].map((each) => (each.tokens === null ? "–" : Math.round(each.tokens).toLocaleString("en")))],
        ["Not ranked", ...[one, other].map((each) => each.reasons.join("; ") || "–")],
      ].map(([name, ...cells]) => element("tr", [element("th", name, { scope: "row" }), ...cells.map((each) => element("td", each, { class: "left" }))]))),
    );
  };

  // Problem to the letters of its searches, one a seed, and the run and seed that a link leads to.
  const verdicts = async (system) => {
    const found = new Map();
    for (const key of system.keys) {
      const run = await rstarLoad(`data/${key}/run`);
      run.problem.forEach((place, row) => {
        const id = run.ids[place];
        if (!found.has(id)) found.set(id, []);
        found.get(id).push({ letter: run.chosen[row], key, seed: run.seeds[run.seed[row]] });
      });
    }
    return found;
  };
  const share = (searches) => searches.filter((each) => each.letter === "c").length / Math.max(1, searches.length);
  const words = { c: "right", i: "wrong", n: "no answer", e: "grader error", f: "engine failed", m: "no record" };
  const cell = (id, searches) =>
    element("td", searches.length
      ? element("a", searches.length === 1 ? words[searches[0].letter] ?? searches[0].letter : `${percent(100 * share(searches))} % right`,
        { href: `problem.html#${new URLSearchParams({ run: searches[0].key, problem: id, seed: searches[0].seed })}` })
      : "–", { class: "left" });

  const flips = async () => {
    const own = ++turn;
    byId("flips").replaceChildren();
    byId("counts").textContent = "Reading the verdicts …";
    let sides;
    try {
      sides = await Promise.all([verdicts(side(a)), verdicts(side(b))]);
    } catch (error) {
      byId("counts").textContent = `The verdicts could not be read: ${error.message}`;
      return;
    }
    if (own !== turn) return;
    const [one, other] = sides;
    const rows = [];
    const counts = { gained: 0, lost: 0, both: 0, neither: 0 };
    for (const id of new Set([...one.keys(), ...other.keys()])) {
      const [x, y] = [one.get(id) ?? [], other.get(id) ?? []];
      const gap = share(y) - share(x);
      if (gap > 0) counts.gained += 1;
      else if (gap < 0) counts.lost += 1;
      else counts[share(x) > 0 ? "both" : "neither"] += 1;
      if (gap && (!which.value || (which.value === "gained") === gap > 0)) rows.push([gap, id, x, y]);
    }
    byId("counts").textContent =
      `B gains ${counts.gained} and loses ${counts.lost} of ${now().num_problems}; both alike on ${counts.both + counts.neither}, of them ${counts.neither} never solved.`;
    rows.sort((x, y) => Math.abs(y[0]) - Math.abs(x[0]) || y[0] - x[0] || x[1].localeCompare(y[1], "en", { numeric: true }));
    byId("flips").replaceChildren(
      element("thead", element("tr", ["Problem", "A", "B"].map((each) => element("th", each, { scope: "col", class: "left" })))),
      element("tbody", rows.map(([, id, x, y]) => element("tr", [element("th", id, { scope: "row" }), cell(id, x), cell(id, y)]))),
    );
  };

  const show = () => { tell(); flips(); };
  const remember = () => history.replaceState(null, "", `#${new URLSearchParams({
    task: now().task, a: side(a).keys[0], b: side(b).keys[0],
  })}`);
  const fill = () => {
    const names = now().systems.map((each) => each.name);
    options(a, names);
    options(b, names);
    b.value = "0";
    a.value = String(now().systems.length - 1);
  };
  const recall = () => {
    const wanted = new URLSearchParams(location.hash.slice(1));
    const has = (key) => groups.findIndex((each) => each.systems.some((system) => system.keys.includes(key)));
    const place = Math.max(has(wanted.get("a")), has(wanted.get("b")), groups.findIndex((each) => each.task === wanted.get("task")), 0);
    group.value = String(place);
    fill();
    for (const [select, name] of [[a, "a"], [b, "b"]]) {
      const index = now().systems.findIndex((each) => each.keys.includes(wanted.get(name)));
      if (index >= 0) select.value = String(index);
    }
    show();
  };

  options(group, groups.map((each) => (each.part ? `${each.task}, ${each.part}` : each.task)));
  byId("choice").addEventListener("submit", (event) => event.preventDefault());
  group.addEventListener("change", () => { fill(); show(); remember(); });
  for (const select of [a, b]) select.addEventListener("change", () => { show(); remember(); });
  which.addEventListener("change", flips);
  byId("swap").addEventListener("click", () => {
    [a.value, b.value] = [b.value, a.value];
    show();
    remember();
  });
  addEventListener("hashchange", recall);
  recall();
})();
