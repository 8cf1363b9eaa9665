// Search, sort and filter of the results table, by List.js. What is chosen stands in the address, so it can be passed on.
"use strict";
(() => {
  const board = document.getElementById("board");
  const fields = ["kind", "main", "task", "system", "source", "accuracy", "rank", "budget", "tokens", "seconds", "words"];
  const isNumber = new Set(["accuracy", "rank", "budget", "tokens", "seconds"]);
  const byId = (id) => document.getElementById(id);
  const list = new List(board, { valueNames: [{ data: fields }], page: 1e6, sortClass: "no-sort-by-list" });

  const compare = (a, b, { valueName, order }) => {
    const [x, y] = [a.values()[valueName], b.values()[valueName]];
    // Nothing stands last, whichever way it is sorted.
    if (x === "" || y === "") return x === y ? 0 : (x === "") === (order === "desc") ? -1 : 1;
    return isNumber.has(valueName) ? x - y : x.localeCompare(y, "en", { numeric: true });
  };

  const state = { sort: "", order: "" };
  const sort = (name, order) => {
    state.sort = name;
    state.order = order;
    list.sort(name, { order, sortFunction: compare });
    for (const button of board.querySelectorAll("button.sort")) {
      const heading = button.closest("th");
      if (button.dataset.sort === name) heading.setAttribute("aria-sort", order === "asc" ? "ascending" : "descending");
      else heading.removeAttribute("aria-sort");
    }
  };

  const isShown = (row, words) => {
    const [task, kind] = [byId("task").value, byId("kind").value];
    if (task && row.task !== task) return false;
    if (kind !== "all" && (kind === "main" ? row.main !== "1" : row.kind !== kind)) return false;
    const text = `${row.system} ${row.task} ${row.source} ${row.words}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  // The list's own search escapes hyphens and then looks for the backslashes too, so words are part of the filter.
  const filter = () => {
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    list.filter((item) => isShown(item.values(), words));
    byId("count").textContent = `${list.matchingItems.length} of ${list.items.length} rows`;
  };

  const remember = () => {
    const wanted = new URLSearchParams();
    for (const id of ["task", "kind", "search"]) {
      const value = byId(id).value.trim();
      if (value && value !== byId(id).dataset.start) wanted.set(id, value);
    }
    if (state.sort) wanted.set("sort", `${state.sort}-${state.order}`);
    const text = wanted.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  };
  const recall = () => {
    const known = new URLSearchParams(location.hash.slice(1));
    for (const id of ["task", "kind", "search"]) {
      const field = byId(id);
      field.dataset.start ??= field.value;
      const value = known.get(id) ?? field.dataset.start;
      if (field.tagName !== "SELECT" || [...field.options].some((each) => each.value === value)) field.value = value;
    }
    const [name, order] = (known.get("sort") ?? "").split("-");
    if (fields.includes(name)) sort(name, order === "asc" ? "asc" : "desc");
    filter();
  };

  board.addEventListener("click", (event) => {
    const button = event.target.closest("button.sort");
    if (!button) return;
    const name = button.dataset.sort;
    const first = ["accuracy", "budget", "tokens", "seconds"].includes(name) ? "desc" : "asc";
    const other = first === "asc" ? "desc" : "asc";
    sort(name, state.sort === name && state.order === first ? other : first);
    remember();
  });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("input", () => { filter(); remember(); });
  addEventListener("hashchange", recall);
  recall();
})();
