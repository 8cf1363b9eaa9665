// Light or dark: as the system says, until the reader switches. Runs before the page is drawn, so that it never flashes.
"use strict";
(() => {
  const KEY = "rstar-theme";
  const page = document.documentElement;
  const stored = () => {
    try { return localStorage.getItem(KEY); } catch { return null; } // storage may be off for files
  };
  const isDark = () =>
    page.dataset.theme ? page.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const known = stored();
  if (known === "light" || known === "dark") page.dataset.theme = known;

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-switch]");
    if (!button) return;
    const tell = () => button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      page.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem(KEY, page.dataset.theme); } catch { /* the choice then lasts for this page */ }
      tell();
      document.dispatchEvent(new CustomEvent("themechange"));
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      tell();
      document.dispatchEvent(new CustomEvent("themechange"));
    });
    tell();
  });
})();
