// The problems of a run, a row each, and their trajectories, a cell each. Only what is in view is drawn, so 5,000 rows
// of 64 cells scroll as 50 do. The list below it holds the same rows as links.
"use strict";
(() => {
  const ROW = 14, LABEL = 190, CHOSEN = 26, LINKS = 60;
  const page = document.getElementById("grid");
  if (!page) return;
  const { element } = rstar;
  const get = (name) => page.querySelector(`[data-${name}]`);
  const frame = get("frame"), canvas = get("canvas"), spacer = get("spacer"), status = get("status");
  const sort = get("sort"), show = get("show"), search = get("search"), links = get("links"), legend = get("legend");
  let index, rows = [], cell = 10, label = LABEL, current = { row: 0, cell: -1 }, colours = {};

  rstarLoad(`data/${page.dataset.run}/run`).then(begin).catch((error) => rstar.fail(page, error));

  function begin(found) {
    index = found;
    tell();
    frame.style.height = `min(${index.problem.length * ROW + 2}px, 26rem, 70vh)`;
    for (const control of [sort, show, search]) control.addEventListener("input", choose);
    frame.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
    canvas.addEventListener("pointermove", (event) => point(event, false));
    canvas.addEventListener("click", (event) => point(event, true));
    canvas.addEventListener("keydown", press);
    new ResizeObserver(resize).observe(frame);
    document.addEventListener("themechange", repaint);
    repaint();
    choose();
    page.setAttribute("aria-busy", "false");
  }

  function numRight(row) {
    let count = 0;
    for (const letter of index.outcomes[row]) count += letter === "c";
    return count;
  }

  function tell() {
    const counts = {};
    for (const row of index.outcomes) for (const letter of row || "m") counts[letter] = (counts[letter] ?? 0) + 1;
    for (const [letter, outcome] of Object.entries(rstar.OUTCOMES)) {
      if (!counts[letter]) continue;
      const swatch = element("span", { class: `swatch ${outcome.fill}`, "aria-hidden": "true" });
      swatch.style.setProperty("--outcome", `var(${outcome.colour})`);
      legend.append(element("li", {}, swatch, ` ${outcome.title} ${counts[letter].toLocaleString("en")}`));
    }
  }

  function choose() {
    const wanted = search.value.trim().toLowerCase();
    rows = index.problem.map((_, row) => row).filter((row) =>
      (!wanted || index.ids[index.problem[row]].toLowerCase().includes(wanted)) && isShown(row));
    if (sort.value !== "order") {
      const right = rows.map(numRight), sign = sort.value === "hard" ? 1 : -1;
      rows = rows.map((row, at) => [row, right[at]]).sort((a, b) => sign * (a[1] - b[1]) || a[0] - b[0]).map(([row]) => row);
    }
    spacer.style.height = `${Math.max(1, rows.length) * ROW}px`;
    current = { row: 0, cell: -1 };
    frame.scrollTop = 0;
    list();
    draw();
    status.textContent = `${rows.length.toLocaleString("en")} of ${index.problem.length.toLocaleString("en")} searches`;
  }

  function isShown(row) {
    const chosen = index.chosen[row];
    if (show.value === "wrong") return chosen !== "c";
    if (show.value === "lost") return chosen !== "c" && index.outcomes[row].includes("c");
    if (show.value === "never") return !index.outcomes[row].includes("c");
    if (show.value === "tree") return Boolean(index.tree[row]);
    return true;
  }

  function list() {
    const made = rows.slice(0, LINKS).map((row) => element("li", {},
      element("a", { href: href(row) }, name(row)),
      ` ${rstar.OUTCOMES[index.chosen[row]].title}, ${numRight(row)} of ${index.outcomes[row].length} trajectories right`));
    if (rows.length > LINKS) made.push(element("li", { class: "note" }, `and ${(rows.length - LINKS).toLocaleString("en")} more: search for an id to see them here`));
    links.replaceChildren(...made);
  }

  const name = (row) => index.ids[index.problem[row]] + (index.seeds.length > 1 ? ` seed ${index.seeds[index.seed[row]]}` : "");
  const href = (row, rollout) => {
    const fields = { run: index.key, problem: index.ids[index.problem[row]], seed: index.seeds[index.seed[row]] };
    return rollout >= 0 && index.tree[row] ? rstar.link("tree.html", { ...fields, rollout: rollout + 1 }) : rstar.link("problem.html", fields);
  };

  function resize() {
    const width = frame.clientWidth, height = frame.clientHeight, ratio = window.devicePixelRatio || 1;
    const most = index.outcomes.reduce((best, row) => Math.max(best, row.length), 1);
    label = Math.min(LABEL, width * 0.4);
    cell = Math.max(2, Math.min(16, (width - label - CHOSEN) / most));
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    draw();
  }

  function repaint() {
    for (const outcome of Object.values(rstar.OUTCOMES)) colours[outcome.colour] = rstar.colour(outcome.colour);
    for (const part of ["--fg", "--muted", "--accent", "--line", "--raised"]) colours[part] = rstar.colour(part);
    draw();
  }

  function draw() {
    if (!index) return;
    const pen = canvas.getContext("2d"), ratio = window.devicePixelRatio || 1, top = frame.scrollTop;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    const first = Math.floor(top / ROW), last = Math.min(rows.length, Math.ceil((top + frame.clientHeight) / ROW) + 1);
    for (let at = first; at < last; at++) line(pen, at, at * ROW - top);
    if (!rows.length) { pen.fillStyle = colours["--muted"]; pen.fillText("Nothing fits.", 6, ROW); }
  }

  function line(pen, at, y) {
    const row = rows[at], letters = index.outcomes[row];
    if (at === current.row && document.activeElement === canvas) {
      pen.fillStyle = colours["--raised"];
      pen.fillRect(0, y, canvas.width, ROW);
    }
    pen.fillStyle = colours["--fg"];
    pen.fillText(fitted(pen, name(row), label - 8), 4, y + ROW / 2);
    square(pen, index.chosen[row], label, y, 16);
    for (let each = 0; each < letters.length; each++) square(pen, letters[each], label + CHOSEN + each * cell, y, cell);
    if (at === current.row && document.activeElement === canvas) {
      pen.strokeStyle = colours["--accent"];
      pen.lineWidth = 2;
      const x = current.cell < 0 ? 1 : label + CHOSEN + current.cell * cell;
      pen.strokeRect(x, y + 1, current.cell < 0 ? label + 18 : Math.max(4, cell), ROW - 2);
    }
  }

  function square(pen, letter, x, y, width) {
    const outcome = rstar.OUTCOMES[letter] ?? rstar.OUTCOMES.m;
    const height = outcome.fill === "full" ? ROW - 2 : outcome.fill === "half" ? ROW / 2 : 2;
    pen.fillStyle = colours[outcome.colour];
    pen.fillRect(x, y + ROW - 1 - height, Math.max(1, width - (width > 4 ? 1 : 0)), height);
  }

  function fitted(pen, text, width) {
    if (pen.measureText(text).width <= width) return text;
    // The end of an id tells problems apart, its beginning is the task's name.
    let cut = text.slice(-60);
    while (cut.length > 1 && pen.measureText(`…${cut}`).width > width) cut = cut.slice(1);
    return `…${cut}`;
  }

  function point(event, isClick) {
    const box = canvas.getBoundingClientRect(), at = Math.floor((event.clientY - box.top + frame.scrollTop) / ROW);
    if (at < 0 || at >= rows.length) { canvas.title = ""; return; }
    const each = Math.floor((event.clientX - box.left - label - CHOSEN) / cell), letters = index.outcomes[rows[at]];
    const inside = each >= 0 && each < letters.length;
    if (isClick) location.href = href(rows[at], inside ? each : -1);
    else canvas.title = words(rows[at], inside ? each : -1);
  }

  function words(row, each) {
    if (each >= 0) return `${name(row)}, trajectory ${each + 1}: ${rstar.OUTCOMES[index.outcomes[row][each]].title}`;
    return `${name(row)}: ${rstar.OUTCOMES[index.chosen[row]].title}, ${numRight(row)} of ${index.outcomes[row].length} trajectories right`;
  }

  function press(event) {
    const size = index.outcomes[rows[current.row]]?.length ?? 0, page_rows = Math.floor(frame.clientHeight / ROW);
    const moves = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1], PageDown: [page_rows, 0],
      PageUp: [-page_rows, 0], Home: [-rows.length, 0], End: [rows.length, 0] };
    if (event.key === "Enter" && rows.length) location.href = href(rows[current.row], current.cell);
    const move = moves[event.key];
    if (!move || !rows.length) return;
    event.preventDefault();
    current.row = Math.max(0, Math.min(rows.length - 1, current.row + move[0]));
    current.cell = Math.max(-1, Math.min(size - 1, current.cell + move[1]));
    const y = current.row * ROW;
    if (y < frame.scrollTop) frame.scrollTop = y;
    if (y + ROW > frame.scrollTop + frame.clientHeight) frame.scrollTop = y + ROW - frame.clientHeight;
    status.textContent = words(rows[current.row], current.cell);
    draw();
  }
  canvas.addEventListener("focus", draw);
  canvas.addEventListener("blur", draw);
})();
