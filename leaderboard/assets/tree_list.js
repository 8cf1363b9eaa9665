// The nodes as a list for keyboards and screen readers: the same nodes, open and closed as in the drawing. Only the
// lines in view are in the page; each says its level and its place among its siblings.
"use strict";
(() => {
  const LINE = 30, SPARE = 8;

  rstar.treeList = (holder, view) => {
    const { element } = rstar;
    const inside = element("div", { class: "tree-lines", role: "none" });
    holder.replaceChildren(inside);
    let shown = [], count = 0, place = new Int32Array(0), isWaiting = false; // place: -1 for a node that is not shown
    holder.addEventListener("scroll", soon, { passive: true });
    holder.addEventListener("keydown", press);
    holder.addEventListener("click", click);
    new ResizeObserver(soon).observe(holder);
    return { update, reveal };

    function soon() {
      if (isWaiting) return;
      isWaiting = true;
      requestAnimationFrame(() => { isWaiting = false; render(); });
    }

    function update() {
      const { layout, model, time } = view;
      if (place.length !== model.size) { place = new Int32Array(model.size); shown = new Int32Array(model.size); }
      place.fill(-1);
      count = 0;
      for (const node of layout.order) {
        if (!model.isThere(node, time)) continue;
        place[node] = count;
        shown[count++] = node;
      }
      inside.style.height = `${count * LINE}px`;
      soon();
    }

    function render() {
      const first = Math.max(0, Math.floor(holder.scrollTop / LINE) - SPARE);
      const last = Math.min(count, Math.ceil((holder.scrollTop + holder.clientHeight) / LINE) + SPARE);
      const nodes = Array.from(shown.subarray(first, last));
      // What a screen reader stands on must be in the page, wherever it has been scrolled to.
      const at = view.selected >= 0 ? place[view.selected] : -1;
      if (at >= 0 && (at < first || at >= last)) nodes.push(view.selected);
      inside.replaceChildren(...nodes.map(line));
      if (at < 0) holder.removeAttribute("aria-activedescendant");
      else holder.setAttribute("aria-activedescendant", `node-${view.selected}`);
    }

    function line(node) {
      const { model } = view, siblings = brothers(node), isOpen = view.open[node] === 1;
      const made = element("div", {
        role: "treeitem", id: `node-${node}`, class: "tree-line", "data-at": node, "aria-level": model.depth[node] + 1,
        "aria-setsize": siblings.length, "aria-posinset": siblings.indexOf(node) + 1, "aria-selected": String(node === view.selected),
        "aria-expanded": hasShown(node) ? String(isOpen) : null,
      });
      made.style.top = `${place[node] * LINE}px`;
      made.style.paddingInlineStart = `${0.4 + Math.min(16, model.depth[node]) * 1.1}rem`;
      const mark = view.ended.has(node) ? `${rstar.OUTCOMES[model.letterOf.get(node)]?.mark ?? ""} ` : "";
      made.append(
        element("span", { class: "twig", "aria-hidden": "true" }, hasShown(node) ? (isOpen ? "▾" : "▸") : ""),
        element("span", { class: "tree-title" }, mark + model.line(node)),
        element("span", { class: "tree-figures" }, figures(node)));
      return made;
    }

    function figures(node) {
      const { model, state } = view, value = model.nodes.value[node];
      if (model.isDead(node)) return "died";
      const parts = [`N ${state.visits[node]}`];
      if (state.visits[node]) parts.push(`Q ${rstar.signed(state.q[node])}`);
      if (value !== null) parts.push(`PPM ${rstar.signed(value)}`);
      return parts.join("  ");
    }

    function brothers(node) {
      return [...view.model.siblings(node)].filter((each) => place[each] >= 0);
    }

    function hasShown(node) {
      return [...view.model.children(node)].some((each) => view.isShown(each) && view.model.isThere(each, view.time));
    }

    function reveal(node) {
      const at = place[node];
      if (at >= 0) {
        if (at * LINE < holder.scrollTop) holder.scrollTop = at * LINE;
        if ((at + 1) * LINE > holder.scrollTop + holder.clientHeight) holder.scrollTop = (at + 1) * LINE - holder.clientHeight;
      }
      soon();
    }

    function click(event) {
      const found = event.target.closest("[data-at]");
      if (!found) return;
      const node = Number(found.dataset.at);
      if (event.target.closest(".twig") && hasShown(node)) view.toggle(node);
      view.choose(node);
    }

    function press(event) {
      const node = view.selected, at = Math.max(0, place[node]), { model } = view;
      const far = Math.max(1, Math.floor(holder.clientHeight / LINE) - 1);
      let to = null;
      switch (event.key) {
        case "ArrowDown": to = shown[Math.min(count - 1, at + 1)]; break;
        case "ArrowUp": to = shown[Math.max(0, at - 1)]; break;
        case "PageDown": to = shown[Math.min(count - 1, at + far)]; break;
        case "PageUp": to = shown[Math.max(0, at - far)]; break;
        case "Home": to = shown[0]; break;
        case "End": to = shown[count - 1]; break;
        case "ArrowRight":
          if (hasShown(node) && !view.open[node]) view.toggle(node); else if (hasShown(node)) to = shown[at + 1];
          break;
        case "ArrowLeft":
          if (view.open[node] && hasShown(node)) view.toggle(node); else if (model.nodes.parent[node] >= 0) to = model.nodes.parent[node];
          break;
        case "Enter": case " ": view.drawing.show(node); break;
        default: return;
      }
      event.preventDefault();
      if (to !== null && to !== undefined) view.choose(to, false);
    }
  };
})();
