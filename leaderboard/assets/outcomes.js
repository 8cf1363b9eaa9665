// What the letters of a grid mean (leaderboard/problem_data.py), and in which colour and shape they are drawn: colour
// alone would be lost in print and on some eyes.
"use strict";
(() => {
  // full, half or thin: how much of its cell an outcome fills.
  rstar.OUTCOMES = {
    c: { title: "right", colour: "--right", fill: "full", mark: "✓" },
    i: { title: "wrong", colour: "--wrong", fill: "half", mark: "✗" },
    n: { title: "no answer", colour: "--none", fill: "thin", mark: "–" },
    e: { title: "grader error", colour: "--failed", fill: "half", mark: "!" },
    t: { title: "cut off", colour: "--none", fill: "thin", mark: "…" },
    x: { title: "program failed", colour: "--failed", fill: "thin", mark: "×" },
    d: { title: "out of steps", colour: "--none", fill: "thin", mark: "–" },
    u: { title: "unreadable", colour: "--none", fill: "thin", mark: "?" },
    o: { title: "not finished", colour: "--none", fill: "thin", mark: "–" },
    f: { title: "engine failed", colour: "--failed", fill: "half", mark: "!" },
    m: { title: "no record", colour: "--line", fill: "thin", mark: " " },
  };
  rstar.RULES = { best: "best score", majority: "majority", weighted: "weighted vote", top_k: "top-K vote" };

  // The colour behind a name such as --right, as it is in the present theme. An unregistered property is text until
  // something is painted with it, so an element is.
  const probe = document.createElement("span");
  rstar.colour = (name) => {
    if (!probe.isConnected) { probe.hidden = true; document.body.append(probe); }
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };

  rstar.badge = (letter) => {
    const outcome = rstar.OUTCOMES[letter] ?? rstar.OUTCOMES.m;
    const badge = rstar.element("span", { class: "outcome" }, `${outcome.mark} ${outcome.title}`);
    badge.style.setProperty("--outcome", `var(${outcome.colour})`);
    return badge;
  };
})();
