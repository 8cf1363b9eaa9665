// Where the visible nodes of a tree stand: leaves one below the other, a node between its first and its last child.
// One pass down and one up, 20,000 nodes in milliseconds. Nodes keep their places as rollouts come and go.
"use strict";
(() => {
  // open: node to 1 where its children are shown; isShown: whether a node is to be seen at all.
  rstar.treeLayout = (model, open, isShown) => {
    const row = new Float32Array(model.size).fill(-1), order = [], position = new Int32Array(model.size).fill(-1);
    const first = new Int32Array(model.size).fill(-1), last = new Int32Array(model.size).fill(-1), hidden = new Int32Array(model.size);
    const stack = [...model.roots].reverse();
    let leaves = 0;
    while (stack.length) {
      const node = stack.pop(), children = model.children(node);
      position[node] = order.length;
      order.push(node);
      let pushed = 0;
      for (let at = children.length - 1; at >= 0; at--) {
        if (!isShown(children[at])) { hidden[node]++; continue; }
        if (!open[node]) continue;
        if (last[node] < 0) last[node] = children[at];
        first[node] = children[at];
        stack.push(children[at]);
        pushed++;
      }
      if (!pushed) row[node] = leaves++;
    }
    for (let at = order.length - 1; at >= 0; at--) {
      const node = order[at];
      if (row[node] < 0) row[node] = (row[first[node]] + row[last[node]]) / 2;
    }
    const columns = [];
    for (const node of order) (columns[model.depth[node]] ??= []).push(node);
    return { row, order, position, first, last, hidden, columns, leaves };
  };

  // Place in a column, whose rows rise, of the first node at or below a row.
  rstar.firstAtRow = (layout, column, row) => {
    let low = 0, high = column.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (layout.row[column[middle]] < row) low = middle + 1; else high = middle;
    }
    return low;
  };
})();
