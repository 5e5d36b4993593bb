// Small comforts; every page works without them.
(() => {
  "use strict";

  const THEMES = ["", "light", "dark"];
  const NAMES = { "": "Theme: system", light: "Theme: light", dark: "Theme: dark" };

  const theme = () => document.documentElement.dataset.theme ?? "";

  const showTheme = () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.hidden = false;
      button.querySelector("span").textContent = NAMES[theme()];
    }
  };

  const nextTheme = () => {
    const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
    if (next) document.documentElement.dataset.theme = next;
    else delete document.documentElement.dataset.theme;
    try {
      if (next) localStorage.setItem("theme", next);
      else localStorage.removeItem("theme");
    } catch {
      // Not kept, then.
    }
    showTheme();
  };

  const two = (number) => String(number).padStart(2, "0");

  const remaining = (milliseconds) => {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60) % 60;
    return hours ? `in ${hours}:${two(minutes)}:${two(seconds % 60)}` : `in ${minutes}:${two(seconds % 60)}`;
  };

  const countDown = () => {
    for (const time of document.querySelectorAll("[data-countdown]")) {
      const left = Date.parse(time.dateTime) - Date.now();
      time.textContent = left > 0 ? remaining(left) : "now";
      time.classList.toggle("soon", left < 60000);
    }
  };

  const prepare = (root) => {
    for (const time of root.querySelectorAll("time:not([title])")) {
      time.title = new Date(time.dateTime).toLocaleString();
    }
    for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
    countDown();
  };

  const copy = async (button) => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.matches("[data-theme-toggle]")) nextTheme();
    if (button?.matches("[data-copy]")) copy(button);
  });

  // A live list is not replaced under somebody who writes in it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const target = event.detail.target;
    if (!target.matches("[data-keep-writing]")) return;
    const isWriting = [...target.querySelectorAll("textarea")].some((area) => area.value);
    if (!isWriting && !target.contains(document.activeElement)) return;
    event.detail.shouldSwap = false;
    const notice = document.querySelector("[data-stale]");
    if (notice) notice.hidden = false;
  });
  document.addEventListener("htmx:afterSwap", (event) => prepare(event.detail.target));

  showTheme();
  prepare(document);
  setInterval(countDown, 1000);
})();
