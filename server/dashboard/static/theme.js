// Runs before the page is drawn, so that a chosen theme does not flash. Without a choice the system's applies.
(() => {
  "use strict";
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is forbidden: the system's theme applies.
  }
})();
