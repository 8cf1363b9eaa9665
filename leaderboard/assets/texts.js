// From text to page. Text of a model, a task or a file is hostile: it only ever becomes text nodes and formulas of
// KaTeX, which is told to trust nothing.
"use strict";
(() => {
  const MAX_FORMULA = 3000; // characters; a longer one is shown as it stands. Chosen, not tuned.
  const FORMULA = /\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\]|\\\(([\s\S]+?)\\\)|\$(?!\s)((?:\\.|[^$\\])+?)(?<!\s)\$(?!\d)/g;

  // element("a", {href: ..., onclick: ...}, "text", another element): attributes are set, never parsed.
  rstar.element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  };

  rstar.start = (shown) => (typeof shown === "string" ? shown : shown[0]);

  // A text as data files hold it: whole, or cut with a note and a button that brings the rest.
  rstar.text = (shown, { tag = "span", kind = "model-text", math = false } = {}) => {
    const holder = rstar.element(tag, { class: kind });
    const fill = (text) => { holder.replaceChildren(); if (math) rstar.formulas(text, holder); else holder.textContent = text; };
    fill(rstar.start(shown));
    if (typeof shown === "string") return holder;
    const [beginning, length, name] = shown;
    const note = rstar.element("span", { class: "note" },
      `Cut: the first ${beginning.length.toLocaleString("en")} of ${length.toLocaleString("en")} characters. `);
    const button = rstar.element("button", { type: "button", onclick: async () => {
      try {
        holder.textContent = await rstarLoad(name);
        note.remove();
      } catch (error) { note.textContent = `The rest cannot be shown: ${error.message}.`; }
    } }, "Show all of it");
    note.append(button);
    return rstar.element(tag === "span" ? "span" : "div", {}, holder, " ", note);
  };

  // Text with formulas between dollar signs or \( \) and \[ \]; what KaTeX cannot read stays text.
  rstar.formulas = (text, holder) => {
    let end = 0;
    for (const found of text.matchAll(FORMULA)) {
      holder.append(text.slice(end, found.index));
      holder.append(formula(found[1] ?? found[2] ?? found[3] ?? found[4], found[0], (found[1] ?? found[2]) !== undefined));
      end = found.index + found[0].length;
    }
    holder.append(text.slice(end));
  };

  function formula(tex, source, isDisplayed) {
    const holder = rstar.element("span", { class: "formula" });
    try {
      if (tex.length > MAX_FORMULA) throw new Error("too long");
      katex.render(tex, holder, { displayMode: isDisplayed, trust: false, throwOnError: true, strict: "ignore", errorColor: "var(--warn)",
        maxSize: 20, maxExpand: 300, output: "htmlAndMathml" });
      return holder;
    } catch {
      return rstar.element("code", { class: "formula-text", title: "This formula could not be set" }, source);
    }
  }

  rstar.fail = (holder, error) => {
    holder.setAttribute("aria-busy", "false");
    holder.replaceChildren(rstar.element("p", { class: "notice", role: "alert" }, error.message));
  };
  rstar.signed = (value) => (value === null || value === undefined ? "—" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`);
})();
