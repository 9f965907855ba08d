// Light, dark, or as the system is: chosen by a button, kept for all pages.
(() => {
  const THEMES = ["auto", "light", "dark"];
  const root = document.documentElement;
  let theme = "auto";
  try {
    theme = localStorage.getItem("theme") ?? theme;
  } catch { /* a browser that keeps nothing for files */ }
  const system = matchMedia("(prefers-color-scheme: dark)");

  function apply() {
    if (!THEMES.includes(theme)) theme = "auto";
    root.dataset.theme = theme === "auto" ? (system.matches ? "dark" : "light") : theme;
    for (const button of document.querySelectorAll("button.theme")) {
      button.hidden = false;
      button.textContent = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[theme];
      button.setAttribute("aria-label", `Colours: ${theme}. Switch between automatic, light and dark`);
    }
    dispatchEvent(new Event("themechange"));
  }

  function next() {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try {
      localStorage.setItem("theme", theme);
    } catch { /* it holds for this page */ }
    apply();
  }

  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", (event) => {
    if (event.key !== "theme") return;
    theme = event.newValue;
    apply();
  });
  addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("button.theme")) button.addEventListener("click", next);
    apply();
  });
})();
