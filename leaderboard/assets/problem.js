// One problem of one run: statement, reference, answers by class at every budget, trajectories with their solutions.
"use strict";
(() => {
  const page = document.getElementById("problem");
  const { element, text } = rstar;
  const means = element("p", { class: "note" });
  let rule = "";

  const start = () => show().catch((error) => rstar.fail(page, error));
  window.addEventListener("hashchange", start);
  start();

  async function show() {
    page.setAttribute("aria-busy", "true");
    const asked = rstar.address();
    const found = await rstar.find(asked);
    const { index, place, row } = found;
    const [record, statement] = await Promise.all([rstar.record(index, row), statementOf(index, place)]);
    rule = index.rules.includes(asked.rule) ? asked.rule : index.rule;
    document.title = `${found.id} · ${index.key}`;
    page.replaceChildren(...head(found, asked), ...question(index, statement), ...results(found, record));
    page.setAttribute("aria-busy", "false");
  }

  async function statementOf(index, place) {
    const at = index.places[place];
    if (!index.statements || at < 0) return null;
    return (await rstarLoad(`${index.statements}/${Math.floor(at / rstar.PER_FILE)}`))[at % rstar.PER_FILE];
  }

  function head({ index, place, row, id, seed }) {
    const here = { run: index.key, seed };
    const step = (to, words) => index.ids[to] === undefined ? null
      : element("a", { href: rstar.link("problem.html", { ...here, problem: index.ids[to] }) }, words);
    const seeds = index.seeds.length > 1 ? element("nav", { class: "row", "aria-label": "Seeds" }, "Seed", ...index.seeds.map((each) =>
      element("a", { href: rstar.link("problem.html", { ...here, problem: id, seed: each }), "aria-current": each === seed ? "page" : null }, String(each)))) : null;
    return [
      element("p", { class: "row note" }, element("a", { href: new URL(`runs/${index.key}.html`, rstar.top).href }, index.key),
        `on ${index.task}`, step(place - 1, "← previous"), step(place + 1, "next →")),
      element("h1", { class: "model-text" }, id),
      element("p", { class: "row" }, rstar.badge(index.chosen[row]), `by ${rstar.RULES[index.rule]} at ${index.budgets.at(-1)}`,
        index.tree[row] ? element("a", { class: "button", href: rstar.link("tree.html", { run: index.key, problem: id, seed }) }, "Search tree") : null),
      ...(index.tree[row] ? [] : [element("p", { class: "note" }, noTree(index))]),
      ...(seeds ? [seeds] : []),
    ];
  }

  function noTree(index) {
    if (index.kept === "none") return "No tree: the run kept nothing of its searches (--trees none).";
    return "No tree: none was published for this search. 'rstar export RUN --format trees' writes it where the journals are.";
  }

  function question(index, statement) {
    if (!statement) return [element("h2", {}, "Statement"), element("p", { class: "note" }, index.reason || "The task no longer has this problem.")];
    const [words, references, subject, level] = statement;
    const about = [subject, level && `level ${rstar.start(level)}`].filter((each) => each && rstar.start(each)).map((each) => rstar.start(each));
    return [
      element("h2", {}, "Statement"),
      ...(about.length ? [element("p", { class: "note" }, about.join(", "))] : []),
      text(words, { tag: "div", kind: "model-text statement", math: true }),
      element("h2", {}, references.length > 1 ? "References, any of them" : "Reference"),
      ...references.map((each) => element("p", {}, answer(each))),
    ];
  }

  // An answer as it was written, and set as a formula beside it where it is LaTeX.
  function answer(shown) {
    const raw = rstar.start(shown);
    const holder = element("span", { class: "answer" }, text(shown, { kind: "model-text mono" }));
    if (typeof shown === "string" && raw.includes("\\") && raw.length < 400) {
      const set = element("span", { class: "set" });
      rstar.formulas(`$${raw.trim()}$`, set);
      if (set.querySelector(".katex")) holder.append(" ", set);
    }
    return holder;
  }

  function results(found, record) {
    if (!record) return [element("p", { class: "notice" }, "This search has no record: the run is not finished. It counts as wrong.")];
    if (record.error) return [element("p", { class: "notice" }, "The engine failed on this search, which counts as wrong: ", text(record.error))];
    const table = element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Answers" });
    const fill = () => table.replaceChildren(answers(found.index, record));
    const choice = element("select", { oninput: (event) => { rule = event.target.value; rstar.remember({ rule }); fill(); } },
      ...found.index.rules.map((each) => element("option", { value: each, selected: each === rule ? "" : null }, rstar.RULES[each])));
    fill();
    return [
      element("h2", {}, "Answers"),
      element("div", { class: "controls" }, element("label", {}, "Weighed by", choice)),
      means,
      table,
      element("p", { class: "note" }, facts(record)),
      element("h2", {}, "Trajectories"),
      element("p", { class: "note" }, "In order of completion. Value: what the reward said of its end. Tokens: written by the policy up to its end."),
      trajectories(found, record),
    ];
  }

  function facts(record) {
    const early = record.of.length < record.budget ? `; an adaptive rule (${record.stop}) ended it after ${record.of.length}` : "";
    return `${record.answers.length} different answer${record.answers.length === 1 ? "" : "s"}. Budget ${record.budget}${early}. ${record.duplicates.toLocaleString("en")} duplicate candidates dropped. Grader ${record.grader}.`;
  }

  const MEANS = { best: "the highest value", majority: "trajectories", weighted: "sum of (value + 1) / 2", top_k: "trajectories among the K of highest value" };

  function answers(index, record) {
    const body = rstar.classes(record).map((group) => element("tr", {},
      element("th", { scope: "row" }, ...group.places.slice(0, 6).flatMap((place) => [answer(record.answers[place][0]), element("br")]),
        group.places.length > 6 ? element("span", { class: "note" }, `and ${group.places.length - 6} more ways to write it`) : null),
      element("td", { class: "left" }, rstar.badge(group.letter), element("span", { class: "sub" }, text(record.answers[group.places[0]][3]))),
      ...index.budgets.map((budget, at) => {
        const weight = rstar.weight(record, group, rule, budget, index.top_k);
        const chosen = record.chosen[rule]?.[at];
        const won = chosen !== null && chosen !== undefined && group.places.includes(chosen);
        return element("td", { class: won ? "number won" : "number" }, weight === null ? "" : amount(weight),
          won ? element("span", { class: "hidden-label" }, " chosen") : null);
      })));
    means.textContent = `Per class of equal answers and budget: ${MEANS[rule]}. The chosen class is framed.`;
    return element("table", { "aria-label": "Answers" },
      element("thead", {}, element("tr", {}, element("th", { scope: "col", class: "left" }, "answer"), element("th", { scope: "col", class: "left" }, "verdict"),
        ...index.budgets.map((budget) => element("th", { scope: "col" }, String(budget))))),
      element("tbody", {}, ...body));
  }

  const amount = (weight) => (rule === "best" ? rstar.signed(weight) : Number.isInteger(weight) ? String(weight) : weight.toFixed(2));

  function trajectories({ index, row, id, seed }, record) {
    const letters = index.outcomes[row], hasTree = Boolean(index.tree[row]);
    const lines = record.of.map((place, at) => element("tr", {},
      element("th", { scope: "row" }, hasTree ? element("a", { href: rstar.link("tree.html", { run: index.key, problem: id, seed, rollout: at + 1 }) }, String(at + 1)) : String(at + 1)),
      element("td", { class: "left" }, rstar.badge(letters[at])),
      element("td", { class: "left" }, place === null ? "" : answer(record.answers[place][0])),
      element("td", { class: "number" }, rstar.signed(record.values[at])),
      element("td", { class: "number" }, (record.tokens[at] ?? 0).toLocaleString("en")),
      element("td", { class: "left" }, hasTree ? solutionButton(index, row, at) : null)));
    return element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Trajectories" }, element("table", { "aria-label": "Trajectories" },
      element("thead", {}, element("tr", {}, ...["number", "outcome", "answer", "value", "tokens", hasTree ? "solution" : ""].map((name, at) =>
        name ? element("th", { scope: "col", class: [3, 4].includes(at) ? null : "left" }, name) : element("td", {})))),
      element("tbody", {}, ...lines)));
  }

  function solutionButton(index, row, at) {
    const holder = element("div", {});
    const button = element("button", { type: "button", "aria-expanded": "false", onclick: async () => {
      const isOpen = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!isOpen));
      button.textContent = isOpen ? "Show" : "Hide";
      holder.replaceChildren();
      if (isOpen) return;
      try { holder.append(...solution(await rstarLoad(`data/${index.key}/tree-${row}`), at)); } catch (error) { holder.textContent = error.message; }
    } }, "Show");
    return element("div", {}, button, holder);
  }

  function solution(tree, at) {
    const { nodes, texts } = tree, path = [];
    for (let node = tree.rollouts[at][0]; nodes.parent[node] >= 0; node = nodes.parent[node]) path.unshift(node);
    return path.map((node) => {
      const code = nodes.code[node] < 0 ? null : texts[nodes.code[node]];
      const output = [texts[nodes.stdout[node]], texts[nodes.error[node]]].filter((each) => rstar.start(each));
      return element("div", { class: "step" }, text(code ?? texts[nodes.frame[node]], { tag: "pre", kind: code ? "model-text" : "model-text words" }),
        ...output.map((each) => text(each, { tag: "pre", kind: "model-text output" })));
    });
  }
})();
