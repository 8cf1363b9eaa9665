// The drawing. Only nodes in view are drawn, and where many fall on one pixel, one: the work of a frame is bounded by
// the screen and not by the tree. Size is visits, colour is Q or the PPM's score, shape is what became of a node.
"use strict";
(() => {
  const COLUMN = 190, ROW = 30, MARGIN = 26, BINS = 20, LABEL_SCALE = 0.62;
  const MOST_SCALE = 2.2, LEAST_COLUMNS = 0.3;

  rstar.treeCanvas = (canvas, view) => {
    const pen = canvas.getContext("2d");
    let scale = 1, left = MARGIN, top = MARGIN, width = 0, height = 0, palette = [], colours = {}, isWaiting = false;
    const across = () => Math.min(1.15, Math.max(LEAST_COLUMNS, scale));
    const xOf = (node) => left + view.model.depth[node] * COLUMN * across();
    const yOf = (node) => top + view.layout.row[node] * ROW * scale;

    const drawing = { draw, soon, fit, show, zoom, pan, repaint, resize, nodeAt };
    listen();
    return drawing;

    function soon() {
      if (isWaiting) return;
      isWaiting = true;
      requestAnimationFrame(() => { isWaiting = false; draw(); });
    }

    function resize() {
      const ratio = window.devicePixelRatio || 1;
      width = canvas.parentElement.clientWidth;
      height = canvas.parentElement.clientHeight;
      canvas.width = width * ratio;
      canvas.height = height * ratio;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      soon();
    }

    function repaint() {
      for (const part of ["--fg", "--bg", "--muted", "--line", "--accent", "--right", "--wrong", "--failed", "--none"]) colours[part] = rstar.colour(part);
      const low = parts(colours["--wrong"]), middle = parts(colours["--line"]), high = parts(colours["--right"]);
      palette = Array.from({ length: BINS + 1 }, (_, bin) => {
        const value = (2 * bin) / BINS - 1, end = value < 0 ? low : high, share = Math.sqrt(Math.abs(value));
        return `rgb(${middle.map((each, at) => Math.round(each + (end[at] - each) * share)).join(",")})`;
      });
      soon();
    }

    function draw() {
      const { model, layout, state } = view;
      pen.clearRect(0, 0, width, height);
      if (!layout) return;
      const isLabelled = scale >= LABEL_SCALE, seen = [];
      pen.lineWidth = 1;
      pen.globalAlpha = 0.45;
      pen.strokeStyle = colours["--none"];
      pen.beginPath();
      layout.columns.forEach((column) => inView(column, seen));
      pen.stroke();
      pen.globalAlpha = 1;
      highlight();
      const bins = Array.from({ length: BINS + 1 }, () => []), hollow = [], dead = [];
      for (const node of seen) {
        if (model.isDead(node)) { dead.push(node); continue; }
        const value = view.colour === "q" ? (state.visits[node] ? state.q[node] : null) : model.nodes.value[node];
        if (value === null || value === undefined) hollow.push(node); else bins[Math.round(((value + 1) / 2) * BINS)].push(node);
      }
      bins.forEach((nodes, bin) => { if (nodes.length) { pen.fillStyle = palette[bin]; pen.beginPath(); nodes.forEach(shape); pen.fill(); } });
      pen.fillStyle = colours["--bg"];
      pen.strokeStyle = colours["--muted"];
      pen.beginPath(); hollow.forEach(shape); pen.fill(); pen.stroke();
      pen.strokeStyle = colours["--failed"];
      pen.lineWidth = 1.5;
      pen.beginPath(); dead.forEach(cross); pen.stroke();
      marks(seen);
      if (isLabelled) labels(seen);
      ring(view.selected);
    }

    // The nodes of one column that are in view, and the edges to their children.
    function inView(column, seen) {
      const { model, layout, time } = view;
      const from = (-top - 20) / (ROW * scale), to = (height - top + 20) / (ROW * scale);
      const x = xOf(column[0]), step = COLUMN * across();
      if (x > width + 20 || x + step < -20) return;
      let lastY = -Infinity;
      // One before and one after: their children may be in view, or their edges cross it.
      for (let at = Math.max(0, rstar.firstAtRow(layout, column, from) - 1); at < column.length; at++) {
        const node = column[at], y = yOf(node), isOutside = y < -20 || y > height + 20;
        if (layout.row[node] > to && layout.first[node] < 0) break;
        if (!model.isThere(node, time)) continue;
        if (!isOutside && (y - lastY >= 0.75 || view.marked.has(node))) { seen.push(node); lastY = y; } else if (!isOutside) continue;
        edges(node, x, y, x + step);
        if (layout.row[node] > to) break;
      }
    }

    function edges(node, x, y, childX) {
      const { model, layout, time } = view;
      if (layout.first[node] < 0) return;
      const least = (-top - 20) / (ROW * scale), most = (height - top + 20) / (ROW * scale);
      let lastY = -Infinity;
      for (const child of model.children(node)) {
        if (layout.position[child] < 0 || !model.isThere(child, time)) continue;
        const childRow = layout.row[child], childY = yOf(child);
        if ((childRow < least && y < 0) || (childRow > most && y > height) || childY - lastY < 0.75) continue;
        lastY = childY;
        curve(x, y, childX, childY);
      }
    }

    function curve(x, y, toX, toY) {
      pen.moveTo(x, y);
      if (Math.abs(toY - y) < 2) { pen.lineTo(toX, toY); return; }
      const middle = x + (toX - x) * 0.5;
      pen.bezierCurveTo(middle, y, middle, toY, toX, toY);
    }

    function highlight() {
      const { layout, model, path } = view;
      pen.strokeStyle = colours["--accent"];
      pen.lineWidth = 2.5;
      pen.beginPath();
      for (const node of path) {
        const parent = model.nodes.parent[node];
        if (parent >= 0 && layout.position[node] >= 0 && layout.position[parent] >= 0) curve(xOf(parent), yOf(parent), xOf(node), yOf(node));
      }
      pen.stroke();
      pen.lineWidth = 1;
    }

    function radius(node) {
      const share = Math.sqrt(view.state.visits[node] / view.state.most);
      return Math.max(1, (3 + 8 * share) * Math.min(1.2, Math.max(0.3, scale)));
    }

    function shape(node) {
      const x = xOf(node), y = yOf(node), size = radius(node);
      if (size < 2) { pen.rect(x - size, y - size, 2 * size, 2 * size); return; }
      if (view.model.ending(node) === "answered") {
        pen.moveTo(x, y - size - 1); pen.lineTo(x + size + 1, y); pen.lineTo(x, y + size + 1); pen.lineTo(x - size - 1, y); pen.closePath();
      } else { pen.moveTo(x + size, y); pen.arc(x, y, size, 0, 2 * Math.PI); }
    }

    function cross(node) {
      const x = xOf(node), y = yOf(node), size = Math.max(1.5, 4 * Math.min(1.2, scale));
      pen.moveTo(x - size, y - size); pen.lineTo(x + size, y + size); pen.moveTo(x + size, y - size); pen.lineTo(x - size, y + size);
    }

    // A frame around answers that were graded: solid for right, dashed for wrong.
    function marks(seen) {
      for (const node of seen) {
        const letter = view.model.letterOf.get(node);
        if (!letter || !view.ended.has(node) || view.model.isDead(node)) continue;
        const x = xOf(node), y = yOf(node), size = radius(node) + 4;
        pen.strokeStyle = colours[rstar.OUTCOMES[letter].colour];
        pen.lineWidth = 2;
        pen.setLineDash(letter === "c" ? [] : [3, 2]);
        pen.beginPath(); pen.arc(x, y, size, 0, 2 * Math.PI); pen.stroke();
        pen.setLineDash([]);
      }
    }

    function ring(node) {
      if (node < 0 || view.layout.position[node] < 0) return;
      pen.strokeStyle = colours["--fg"];
      pen.lineWidth = 2;
      pen.beginPath(); pen.arc(xOf(node), yOf(node), radius(node) + 7, 0, 2 * Math.PI); pen.stroke();
    }

    function labels(seen) {
      const { model, layout } = view, room = COLUMN * across() - 24;
      pen.font = `${Math.round(12 * Math.min(1.15, Math.max(0.85, scale)))}px system-ui, sans-serif`;
      pen.textBaseline = "middle";
      pen.strokeStyle = colours["--bg"]; // a seam around the words keeps lines off them
      pen.lineWidth = 3;
      pen.lineJoin = "round";
      for (const node of seen) {
        const x = xOf(node), y = yOf(node);
        if (x > width || x + COLUMN < 0) continue;
        const hiddenBelow = layout.first[node] < 0 ? model.numChildren(node) : layout.hidden[node];
        const letter = view.ended.has(node) ? `${rstar.OUTCOMES[model.letterOf.get(node)]?.mark ?? ""} ` : "";
        const text = `${letter}${model.title(node)}${hiddenBelow ? `  +${hiddenBelow}` : ""}`;
        // Above the line that leads on from here, on it where nothing does.
        const isOn = layout.first[node] < 0;
        const words = clipped(text, isOn ? room * 2 : room), textY = isOn ? y : y - 9 * Math.min(1.1, scale) - radius(node) / 4;
        pen.fillStyle = colours[model.entered[node] ? "--fg" : "--muted"];
        pen.strokeText(words, x + radius(node) + 7, textY);
        pen.fillText(words, x + radius(node) + 7, textY);
      }
    }

    function clipped(text, room) {
      const most = Math.floor(room / (6.2 * Math.min(1.15, Math.max(0.85, scale)))); // width of a letter, roughly
      return text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text;
    }

    function fit() {
      const { layout } = view;
      const rows = Math.max(1, layout.leaves - 1) * ROW;
      scale = Math.min(1, (height - 2 * MARGIN) / rows, Math.max(LABEL_SCALE, (width - 2 * MARGIN) / (layout.columns.length * COLUMN)));
      left = MARGIN;
      top = Math.max(MARGIN, (height - rows * scale) / 2);
      soon();
    }

    // Bring a node into the middle where it is out of sight or, when it was asked for by name, too small to be read.
    function show(node, isMoving = true) {
      if (!view.layout || view.layout.position[node] < 0) return;
      const x = xOf(node), y = yOf(node);
      const isOutside = x < 10 || x > width - 80 || y < 10 || y > height - 10;
      if (isOutside || (isMoving && scale < LABEL_SCALE)) {
        scale = Math.max(scale, LABEL_SCALE);
        left += Math.min(width * 0.45, width / 2) - xOf(node);
        left = Math.min(left, MARGIN);
        top += height / 2 - yOf(node);
      }
      soon();
    }

    function zoom(factor, x = width / 2, y = height / 2) {
      const row = (y - top) / (ROW * scale), column = (x - left) / (COLUMN * across());
      const least = Math.min(0.3, (height - 2 * MARGIN) / (Math.max(1, view.layout.leaves) * ROW));
      scale = Math.min(MOST_SCALE, Math.max(least, scale * factor));
      top = y - row * ROW * scale;
      left = x - column * COLUMN * across();
      soon();
    }

    function pan(x, y) { left += x; top += y; soon(); }

    function nodeAt(x, y) {
      const { layout, model, time } = view;
      const depth = Math.round((x - left) / (COLUMN * across()));
      // A label belongs to its node: the column to the left of the pointer is tried too.
      for (const each of [depth, Math.floor((x - left) / (COLUMN * across()))]) {
        const column = layout.columns[each];
        if (!column) continue;
        const at = rstar.firstAtRow(layout, column, (y - top) / (ROW * scale));
        const near = [column[at - 1], column[at]].filter((node) => node !== undefined && model.isThere(node, time));
        near.sort((a, b) => Math.abs(yOf(a) - y) - Math.abs(yOf(b) - y));
        if (near.length && Math.abs(yOf(near[0]) - y) <= 14) return near[0];
      }
      return -1;
    }

    function listen() {
      const held = new Map();
      let moved = 0, spread = 0;
      canvas.addEventListener("pointerdown", (event) => { held.set(event.pointerId, event); canvas.setPointerCapture(event.pointerId); moved = 0; spread = 0; });
      canvas.addEventListener("pointermove", (event) => {
        const before = held.get(event.pointerId);
        if (!before) { canvas.style.cursor = nodeAt(...place(event)) >= 0 ? "pointer" : "grab"; return; }
        held.set(event.pointerId, event);
        if (held.size === 2) {
          const [a, b] = [...held.values()], now = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), [ax, ay] = place(a), [bx, by] = place(b);
          if (spread) zoom(now / spread, (ax + bx) / 2, (ay + by) / 2);
          spread = now;
        } else pan(event.clientX - before.clientX, event.clientY - before.clientY);
        moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
      });
      const release = (event) => {
        if (held.delete(event.pointerId) && event.type === "pointerup" && moved < 6) {
          const node = nodeAt(...place(event));
          if (node >= 0) view.choose(node);
        }
      };
      canvas.addEventListener("pointerup", release);
      canvas.addEventListener("pointercancel", release);
      canvas.addEventListener("dblclick", (event) => { const node = nodeAt(...place(event)); if (node >= 0) view.toggle(node); });
      // A plain wheel scrolls the page, as everywhere.
      canvas.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        zoom(Math.exp(-event.deltaY / 300), ...place(event));
      }, { passive: false });
    }

    function place(event) {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    }
  };

  const parts = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
})();
