// Makes the page an app: registers the service worker, and offers to install it where the browser can do that.
(() => {
  "use strict";
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register("/sw.js").catch(() => {
    // Without it there is no offline page and no notification; everything else works.
  });

  window.addEventListener("beforeinstallprompt", (event) => {
    const button = document.querySelector("[data-install]");
    if (!button) return;
    event.preventDefault();
    button.hidden = false;
    button.addEventListener("click", () => {
      button.hidden = true;
      event.prompt();
    }, { once: true });
  });
})();
