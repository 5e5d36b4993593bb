// Makes the page an app: registers the service worker, and offers to install it where the browser can do that.
(() => {
  "use strict";
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register("/sw.js").catch(() => {
    // Without it there is no offline page and no notification; everything else works.
  });

  // A browser that was subscribed may lose that, or get another address, without anybody asking it to: whoever relies
  // on being told must hear of it. Only a page holds what a new subscription needs to be believed.
  const PLACE = "push-endpoint";
  const lookForPush = async () => {
    const known = localStorage.getItem(PLACE);
    const notice = document.querySelector("[data-push-lost]");
    if (!known || !notice) return;
    const worker = await navigator.serviceWorker.ready;
    const present = await worker.pushManager?.getSubscription();
    notice.hidden = present?.endpoint === known;
  };
  const look = () => lookForPush().catch(() => {
    // Storage or push is forbidden here: then nobody was subscribed either.
  });
  navigator.serviceWorker.addEventListener("message", (event) => {
    if (event.data === "subscription-changed") look();
  });
  look();

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
