// A search tree as its data file holds it (docs/trees.md), made ready to be asked: who is whose child, what was known
// after how many rollouts, what became of a node.
"use strict";
(() => {
  const ENDINGS = ["open", "answered", "max_depth", "code_error", "unparsable", "truncated"]; // harness/search_tree.py
  const STATUSES = ["", "ok", "error", "timeout", "memory", "refused"];
  const FAILED = -1; // value of a step that failed, which the reward model was not asked about
  const DEATHS = {
    max_depth: "Died: the solution had no steps left and no answer.",
    unparsable: "Died: it is neither a program step nor a boxed answer.",
    truncated: "Died: the length cap cut it off.",
  };
  const PROGRAM_DEATHS = { error: "its program failed", timeout: "its program ran out of time", memory: "its program ran out of memory",
    refused: "its program was not run, because it broke a rule of the sandbox", "": "its program failed" };

  rstar.treeModel = (data, record, letters) => {
    const { nodes, texts } = data, size = nodes.parent.length;
    const start = new Int32Array(size + 1), child = new Int32Array(size), depth = new Int32Array(size);
    for (const parent of nodes.parent) if (parent >= 0) start[parent + 1]++;
    for (let node = 0; node < size; node++) start[node + 1] += start[node];
    const next = start.slice();
    const roots = [];
    nodes.parent.forEach((parent, node) => {
      if (parent < 0) { roots.push(node); return; }
      child[next[parent]++] = node;
      depth[node] = depth[parent] + 1;
    });
    const ends = data.rollouts.map(([end]) => end), letterOf = new Map(), rolloutsAt = new Map();
    ends.forEach((end, rollout) => {
      letterOf.set(end, letters[rollout]);
      if (!rolloutsAt.has(end)) rolloutsAt.set(end, []);
      rolloutsAt.get(end).push(rollout);
    });
    const entered = new Uint8Array(size);
    for (const root of roots) entered[root] = 1;
    for (const end of ends) for (let node = end; node >= 0 && !entered[node]; node = nodes.parent[node]) entered[node] = 1;
    const text = (place) => texts[place];
    const last = data.rollouts.length;
    const states = new Map(), written = [];

    const model = {
      size, roots, depth, entered, ends, nodes, record, letterOf, rolloutsAt, numRollouts: last, origin: data.origin, isCounted: data.is_counted,
      numChildren: (node) => start[node + 1] - start[node],
      children: (node) => child.subarray(start[node], start[node + 1]),
      ending: (node) => ENDINGS[nodes.ending[node]],
      status: (node) => STATUSES[nodes.status[node]],
      code: (node) => (nodes.code[node] < 0 ? null : text(nodes.code[node])),
      stdout: (node) => text(nodes.stdout[node]),
      error: (node) => text(nodes.error[node]),
      answer: (node) => (nodes.answer[node] < 0 ? null : text(nodes.answer[node])),
      words: (node) => text(nodes.frame[node]),
      isDead: (node) => !["open", "answered"].includes(model.ending(node)),
      path: (node) => { const found = []; for (let each = node; each >= 0; each = nodes.parent[each]) found.unshift(each); return found; },
      isThere: (node, time) => nodes.born[node] < time || nodes.parent[node] < 0,
      title, line, siblings, why, at, rolloutsThrough,
    };
    return model;

    // A few words that tell a node from its siblings: what the step says it does or, where another says the same, the
    // code that does it.
    function title(node) {
      const { comment, program } = lines(node);
      if (!comment || !program) return comment || program || "(empty)";
      const isShared = [...siblings(node)].some((each) => each !== node && lines(each).comment === comment);
      return isShared ? program : comment;
    }

    // Both, for where there is room.
    function line(node) {
      const { comment, program } = lines(node);
      return [comment, program].filter(Boolean).join("  ·  ") || "(empty)";
    }

    function lines(node) {
      if (!written[node]) {
        const [comment, program] = read(node);
        written[node] = { comment: short(comment), program: short(program) };
      }
      return written[node];
    }

    function read(node) {
      if (nodes.parent[node] < 0) return [roots.length > 1 ? `Tree ${roots.indexOf(node) + 1}` : "The problem", ""];
      const answer = model.answer(node);
      if (answer !== null) return [`Answer ${rstar.start(answer)}`, ""];
      const found = rstar.start(model.code(node) ?? model.words(node)).slice(0, 2000).split("\n").map((each) => each.trim()).filter((each) => each && !/^<\/?[a-z_]+>$/.test(each));
      const comment = found.find((each) => each.startsWith("#")) ?? "", program = found.find((each) => !each.startsWith("#")) ?? "";
      return [comment.replace(/^#+\s*(Step \d+:\s*)?/i, ""), program];
    }

    function siblings(node) {
      const parent = nodes.parent[node];
      return parent < 0 ? roots : model.children(parent);
    }

    // After `time` rollouts: N and Q of every node, and the largest N below a root.
    function at(time) {
      if (!data.is_counted) return { visits: nodes.visits, q: nodes.q, most: most(nodes.visits) };
      if (states.has(time)) return states.get(time);
      const visits = Int32Array.from(nodes.initial), sum = new Float64Array(size), q = new Float32Array(size);
      for (let node = 0; node < size; node++) sum[node] = visits[node] * (nodes.value[node] ?? FAILED);
      for (let rollout = 0; rollout < time; rollout++) {
        for (let node = data.rollouts[rollout][1]; node >= 0; node = nodes.parent[node]) { visits[node]++; sum[node] += record.values[rollout]; }
      }
      for (let node = 0; node < size; node++) q[node] = visits[node] ? sum[node] / visits[node] : nodes.value[node] ?? 0;
      const state = { visits, q, most: most(visits) };
      if (states.size > 8) states.clear(); // 20,000 nodes are 160 kB a state
      states.set(time, state);
      return state;
    }

    function most(visits) {
      let found = 1;
      for (let node = 0; node < size; node++) if (visits[node] > found) found = visits[node];
      return found;
    }

    function rolloutsThrough(node) {
      return ends.flatMap((end, rollout) => (model.path(end).includes(node) ? [rollout] : []));
    }

    function why(node, time) {
      const ending = model.ending(node);
      if (ending === "answered") {
        const letter = letterOf.get(node);
        if (letter) return `Ends with an answer: ${rstar.OUTCOMES[letter].title}.`;
        return "Would end with this answer. No rollout ended here, so it was not graded.";
      }
      if (ending === "code_error") return `Died: ${PROGRAM_DEATHS[model.status(node)]}.`;
      if (DEATHS[ending]) return DEATHS[ending];
      if (nodes.parent[node] < 0) return nodes.closed[node] ? "Everything below is closed: the tree is exhausted." : "";
      const below = [...model.children(node)].filter((each) => model.isThere(each, time));
      if (below.length && below.every(model.isDead)) return "Died: every continuation failed.";
      if (nodes.closed[node] && time === last) return "Closed: everything below it has ended.";
      if (!entered[node]) return "Not entered: every rollout that came by took a sibling.";
      return below.length ? "" : "Not continued.";
    }
  };

  const short = (text) => (text.length > 80 ? `${text.slice(0, 79)}…` : text);
})();
