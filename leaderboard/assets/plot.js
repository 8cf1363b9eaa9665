// Charts in the page's own colours, light and dark. `rstarPlot(element, chart)` draws and keeps them so.
"use strict";
(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // Names like `--fg` hold pairs of colours; only an element's own colour says which one counts now.
  const colour = (name) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  // What the report draws in black and grey follows the page.
  const named = { "#000000": "--fg", "#222222": "--fg", "#555555": "--muted", "#757575": "--muted" };

  // The palette's dark colours, lighter on a dark page.
  const lighter = { "#0072B2": "#4aa8e8", "#D55E00": "#f2894a", "#009E73": "#35c79c", "#CC79A7": "#e6a3c8" };
  const channels = (hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16)).join(",");
  const isDark = () => colour("--bg") !== "rgb(255, 255, 255)";
  const onDark = (text) => {
    if (lighter[text]) return lighter[text];
    const band = /^rgba\((\d+,\d+,\d+),([\d.]+)\)$/.exec(text);
    const known = band && Object.keys(lighter).find((hex) => channels(hex) === band[1]);
    return known ? `rgba(${channels(lighter[known])},${band[2]})` : text;
  };

  const recoloured = (value) => {
    if (Array.isArray(value)) return value.map(recoloured);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, recoloured(each)]));
    if (typeof value !== "string") return value;
    return named[value] ? colour(named[value]) : isDark() ? onDark(value) : value;
  };

  const layout = (given) => {
    const [fg, muted, line] = ["--fg", "--muted", "--line"].map(colour);
    const isNarrow = innerWidth < 700;
    const axis = (known) => ({ ...known, color: fg, linecolor: muted, gridcolor: line, tickcolor: muted });
    return {
      ...given,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: css("--sans"), size: 13, color: fg },
      hoverlabel: { bgcolor: colour("--raised"), bordercolor: line, font: { color: fg }, align: "left" },
      xaxis: axis(given.xaxis),
      yaxis: axis(isNarrow ? { ...given.yaxis, title: { text: "Accuracy (%)" } } : given.yaxis),
      legend: isNarrow
        ? { orientation: "h", x: 0, y: -0.28, font: { size: 11 } }
        : { ...given.legend, bgcolor: "rgba(0,0,0,0)" },
      margin: isNarrow ? { l: 48, r: 8, t: 10, b: 50 } : given.margin,
    };
  };

  const drawn = new Map();
  const draw = (element) => {
    const chart = drawn.get(element);
    return Plotly.react(element, recoloured(chart.data), layout(chart.layout), {
      displaylogo: false,
      responsive: true,
      modeBarButtonsToRemove: ["select2d", "lasso2d"],
    });
  };
  window.rstarPlot = (element, chart) => {
    drawn.set(element, chart);
    return draw(element);
  };
  document.addEventListener("themechange", () => drawn.forEach((_, element) => draw(element)));
})();
