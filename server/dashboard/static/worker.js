// The service worker of the installed page: our own files and an offline page from memory, and notifications.
// Nothing that is personal is ever kept: pages always come from the service.
"use strict";

const KEPT = "openleash-VERSION";
const OFFLINE = "/offline";
const FILES = ["/offline", "FILES"];
const ENDED = "ask.ended";

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(KEPT)
      .then((cache) => cache.addAll(FILES.map((path) => new Request(path, { credentials: "omit", cache: "reload" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("openleash-") && name !== KEPT);
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(old(names).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const place = new URL(request.url);
  if (request.method !== "GET" || place.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match(OFFLINE, { cacheName: KEPT })));
  } else if (place.pathname.startsWith("/static/")) {
    // The address carries the content's hash, so what is kept under it is never out of date.
    event.respondWith(caches.match(request, { cacheName: KEPT }).then((kept) => kept ?? fetch(request)));
  }
});

// Only a path of our own may be opened, whatever the message says.
const pathIn = (url) => {
  try {
    const place = new URL(url, self.location.origin);
    return place.origin === self.location.origin ? place.pathname + place.search : "/approvals";
  } catch {
    return "/approvals";
  }
};

const readMessage = (event) => {
  try {
    const told = event.data.json();
    return told && told.v === 1 ? told : {};
  } catch {
    return {};
  }
};

const withdraw = async (tag) => {
  for (const shown of await self.registration.getNotifications({ tag })) shown.close();
};

self.addEventListener("push", (event) => {
  const told = readMessage(event);
  const tag = String(told.id ?? "news");
  const isEnded = told.kind === ENDED;
  // Browsers want every message shown. One that tells of an end takes the place of what stood there, and goes again.
  const shown = self.registration.showNotification(String(told.title ?? "News from OpenLeash"), {
    body: String(told.body ?? "Open it to read more."),
    tag,
    icon: "ICON",
    badge: "BADGE",
    renotify: !isEnded,
    silent: isEnded,
    data: { path: pathIn(String(told.url ?? "/approvals")) },
  });
  event.waitUntil(isEnded ? shown.then(() => withdraw(tag)) : shown);
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const path = event.notification.data?.path ?? "/approvals";
  // A page that shows something else is left alone: somebody may be writing in it.
  const open = async () => {
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const here = pages.find((page) => new URL(page.url).pathname === path);
    return here ? here.focus() : self.clients.openWindow(path);
  };
  event.waitUntil(open());
});

// The browser has replaced the subscription by itself: the service hears of the new one the next time that a page of
// ours is open, because only a page holds what a change needs to be believed.
self.addEventListener("pushsubscriptionchange", (event) => {
  const tell = async () => {
    for (const page of await self.clients.matchAll({ type: "window" })) page.postMessage("subscription-changed");
  };
  event.waitUntil(tell());
});
