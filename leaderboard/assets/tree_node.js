// What is known of one node: its figures, what became of it, its words, code and output, and the steps that led there.
"use strict";
(() => {
  rstar.treeNode = (holder, view) => {
    const { element, text } = rstar;
    let timer = 0;
    return { update, soon };

    // While a slider moves, the panel waits until it rests: a drawing is followed with the eyes, a text is not.
    function soon() {
      clearTimeout(timer);
      timer = setTimeout(update, 60);
    }

    function update() {
      clearTimeout(timer);
      const { model, selected: node } = view;
      if (node < 0) { holder.replaceChildren(); return; }
      holder.replaceChildren(element("h2", { class: "model-text" }, model.title(node)), figures(node), ...became(node), ...content(node), ...rollouts(node), ...way(node));
      // What scrolls must be reached by keyboard.
      for (const each of holder.querySelectorAll("pre")) if (each.scrollHeight > each.clientHeight) each.tabIndex = 0;
    }

    function figures(node) {
      const { model, state, time } = view, value = model.nodes.value[node];
      const rows = [["Depth", String(model.depth[node])], ["Visits N", `${state.visits[node]}${model.nodes.initial[node] ? ", its first score included" : ""}`],
        ["Q", state.visits[node] ? rstar.signed(state.q[node]) : "—"], ["PPM score", rstar.signed(value)]];
      if (model.nodes.parent[node] >= 0) rows.push(["Made in", `rollout ${model.nodes.born[node] + 1}`]);
      if (model.status(node)) rows.push(["Program", model.status(node)]);
      const note = time < model.numRollouts ? `After ${time} of ${model.numRollouts} rollouts.` : null;
      return element("div", {}, element("dl", { class: "facts" }, ...rows.flatMap(([name, content]) => [element("dt", {}, name), element("dd", {}, content)])),
        note && element("p", { class: "note" }, note));
    }

    function became(node) {
      const why = view.model.why(node, view.time), letter = view.model.letterOf.get(node);
      return [why ? element("p", { class: view.model.isDead(node) ? "died" : "became" }, letter ? rstar.badge(letter) : null, letter ? " " : null, why) : null].filter(Boolean);
    }

    function content(node) {
      const { model } = view, code = model.code(node), words = model.words(node), parts = [];
      const answer = model.answer(node);
      if (answer !== null) parts.push(element("h3", {}, "Answer"), text(answer, { tag: "pre" }));
      if (code !== null) parts.push(element("h3", {}, "Code"), text(code, { tag: "pre", kind: "model-text code" }));
      const frame = rstar.start(words).replace("\0", "").trim();
      if (code === null && frame) parts.push(element("h3", {}, "Text"), text(words, { tag: "pre" }));
      else if (frame.replace(/<[a-z_]+>/g, "").trim()) parts.push(element("h3", {}, "Text around it"), text(Array.isArray(words) ? words : words.replace("\0", "[code]"), { tag: "pre" }));
      for (const [name, shown] of [["Output", model.stdout(node)], ["Error", model.error(node)]]) {
        if (rstar.start(shown)) parts.push(element("h3", {}, name), text(shown, { tag: "pre", kind: name === "Error" ? "model-text error" : "model-text output" }));
      }
      return parts;
    }

    function rollouts(node) {
      const through = view.model.rolloutsThrough(node);
      if (!through.length) return [];
      const buttons = through.slice(0, 40).map((rollout) => element("button", { type: "button", class: "small",
        "aria-label": `Rollout ${rollout + 1}`, onclick: () => view.goTo(rollout + 1, view.model.ends[rollout]) }, String(rollout + 1)));
      return [element("h3", {}, `Rollouts through here (${through.length})`), element("p", { class: "row" }, ...buttons, through.length > 40 ? ` and ${through.length - 40} more` : null)];
    }

    function way(node) {
      const path = view.model.path(node).slice(1);
      if (path.length < 2) return [];
      return [element("h3", {}, "The way here"), element("ol", { class: "way" }, ...path.map((each) => element("li", {}, each === node
        ? element("strong", { class: "model-text" }, view.model.title(each))
        : element("button", { type: "button", class: "as-link model-text", onclick: () => view.choose(each) }, view.model.title(each)))))];
    }
  };
})();
