// Subscribes this browser to Web Push, and tells the service where to find it.
(() => {
  "use strict";

  const zone = document.querySelector("[data-time-zone]");
  if (zone && zone.value === "UTC") zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

  const bytes = (text) => {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  };

  const told = async (path, init) => {
    const reply = await fetch(path, { redirect: "error", headers: { Accept: "application/json" }, ...init });
    const said = await reply.json();
    if (!reply.ok) throw new Error(said.message ?? said.title);
    return said;
  };

  const subscription = async () => {
    await navigator.serviceWorker.register("/sw.js");
    const worker = await navigator.serviceWorker.ready;
    const { public_key: key } = await told("/v1/push/key", {});
    const options = { userVisibleOnly: true, applicationServerKey: bytes(key) };
    try {
      return await worker.pushManager.subscribe(options);
    } catch (problem) {
      if (problem.name !== "InvalidStateError") throw problem;
      // The browser is subscribed with another key, of an installation that was here before.
      await (await worker.pushManager.getSubscription())?.unsubscribe();
      return worker.pushManager.subscribe(options);
    }
  };

  const subscribe = async (form) => {
    const { endpoint, keys, expirationTime } = (await subscription()).toJSON();
    const body = JSON.stringify({ endpoint, keys, expirationTime: expirationTime ?? null, label: form.elements.label.value });
    const headers = {
      Accept: "application/json",
      "Content-Type": "application/json",
      "X-CSRF-Token": form.elements.csrf_token.value,
    };
    await told("/v1/push/subscriptions", { method: "POST", headers, body });
    localStorage.setItem("push-endpoint", endpoint);
    location.assign(form.dataset.done);
  };

  const complain = (form, problem) => {
    const notice = form.querySelector("[data-push-problem]");
    notice.textContent = problem.name === "NotAllowedError"
      ? "The browser does not let this page notify you. Allow it in the browser's settings of this page."
      : problem.message;
    notice.hidden = false;
  };

  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return;
  for (const form of document.querySelectorAll("form[data-push]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      subscribe(form).catch((problem) => complain(form, problem));
    });
  }
  for (const notice of document.querySelectorAll("[data-no-push]")) notice.hidden = true;
})();
