// One chart; the task and the axis are chosen above it and stand in the address.
"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const task = document.getElementById("task");
  const choice = document.getElementById("choice");
  const axes = [...choice.querySelectorAll("input[name=axis]")];
  const sections = [...document.querySelectorAll("section[data-task]")];

  const show = () => {
    const known = charts[task.value];
    const section = sections.find((each) => each.dataset.task === task.value);
    sections.forEach((each) => { each.hidden = each !== section; });
    for (const each of axes) each.disabled = !(each.value in known);
    if (axes.find((each) => each.checked)?.disabled ?? true) axes.find((each) => !each.disabled).checked = true;
    const refused = Object.entries(JSON.parse(section.dataset.refused));
    document.getElementById("refusal").textContent =
      refused.map(([name, reason]) => `${name}: ${reason}.`).join(" ");
    rstarPlot(document.getElementById("chart"), known[axes.find((each) => each.checked).value]);
  };
  const remember = () => {
    const axis = axes.find((each) => each.checked).value;
    history.replaceState(null, "", `#${new URLSearchParams({ task: task.value, axis })}`);
  };
  const recall = () => {
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (wanted.has("task") && Object.hasOwn(charts, wanted.get("task"))) task.value = wanted.get("task");
    const axis = axes.find((each) => each.value === wanted.get("axis"));
    if (axis) axis.checked = true;
    show();
  };
  choice.addEventListener("submit", (event) => event.preventDefault());
  choice.addEventListener("change", () => { show(); remember(); });
  addEventListener("hashchange", recall);
  recall();
})();
