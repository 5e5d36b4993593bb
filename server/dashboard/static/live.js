// Tells the live parts of a page what has changed. One stream serves every page that is open in this browser: the page
// that holds the lock reads it and passes on what it hears, because a browser opens only six connections to one place.
(() => {
  "use strict";

  const topics = document.currentScript.dataset.topics.split(" ");
  if (!document.querySelector("[data-live]")) return;
  const others = new BroadcastChannel("live");
  const LONGEST = 60000;
  let failures = 0;

  const showLost = (isLost) => {
    for (const notice of document.querySelectorAll("[data-live-lost]")) notice.hidden = !isLost;
  };

  const hear = (said) => {
    if (said === "lost" || said === "found") showLost(said === "lost");
    else document.body.dispatchEvent(new CustomEvent(`live-${said}`));
  };

  const tell = (said) => {
    hear(said);
    others.postMessage(said);
  };

  // Not everybody in the same instant: half of the time at least, and twice as long after each failure.
  const pause = () => Math.min(LONGEST, 2000 * 2 ** failures) * (0.5 + Math.random() / 2);

  const read = () => {
    const stream = new EventSource("/live");
    stream.addEventListener("open", () => {
      if (failures > 1) tell("found");
      failures = 0;
    });
    for (const topic of topics) stream.addEventListener(topic, () => tell(topic));
    stream.addEventListener("error", () => {
      // A connection that broke is made again by the browser, after the time that the server named. An answer that is
      // no stream (a proxy's, or somebody is signed out) ends it, and then it is up to us.
      if (stream.readyState === EventSource.CLOSED) setTimeout(read, pause());
      failures += 1;
      if (failures === 2) tell("lost");
    });
  };

  others.addEventListener("message", (event) => hear(event.data));
  const forever = new Promise(() => {});
  if (navigator.locks) navigator.locks.request("live", () => { read(); return forever; });
  else read();
})();
