"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  for (const element of document.querySelectorAll("[data-chart]")) rstarPlot(element, charts[element.dataset.chart]);
})();
