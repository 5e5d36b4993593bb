// Asks the browser for a passkey, and sends its answer with the form that wanted it.
(() => {
  "use strict";

  const bytes = (text) => {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  };

  const text = (buffer) => {
    if (!buffer) return null;
    const letters = String.fromCharCode(...new Uint8Array(buffer));
    return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };

  const withIds = (list) => (list ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

  const create = async (options) => {
    const publicKey = {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: withIds(options.excludeCredentials),
    };
    const made = await navigator.credentials.create({ publicKey });
    return {
      id: made.id,
      rawId: text(made.rawId),
      type: made.type,
      response: {
        clientDataJSON: text(made.response.clientDataJSON),
        attestationObject: text(made.response.attestationObject),
      },
    };
  };

  const get = async (options) => {
    const publicKey = {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: withIds(options.allowCredentials),
    };
    const found = await navigator.credentials.get({ publicKey });
    return {
      id: found.id,
      rawId: text(found.rawId),
      type: found.type,
      response: {
        clientDataJSON: text(found.response.clientDataJSON),
        authenticatorData: text(found.response.authenticatorData),
        signature: text(found.response.signature),
        userHandle: text(found.response.userHandle),
      },
    };
  };

  const WAYS = { create, get };

  const question = async (form) => {
    const headers = { Accept: "application/json" };
    const token = form.elements.csrf_token?.value;
    if (token) headers["X-CSRF-Token"] = token;
    const body = new URLSearchParams();
    if (form.elements.password?.value) body.set("with_password", "1");
    const reply = await fetch(form.dataset.begin, { method: "POST", headers, body, redirect: "error" });
    const told = await reply.json();
    if (told.code === "step_up_required") {
      location.assign(`/step-up?next=${encodeURIComponent(location.pathname)}`);
      return null;
    }
    if (!reply.ok) throw new Error(told.message ?? told.title);
    return told;
  };

  const complain = (form, problem) => {
    const notice = form.querySelector("[data-passkey-problem]");
    notice.textContent = problem.name === "NotAllowedError"
      ? "The passkey was not used: it was cancelled, took too long, or there is none for this address."
      : problem.message;
    notice.hidden = false;
  };

  const send = async (form) => {
    try {
      const options = await question(form);
      if (!options) return;
      form.elements.answer.value = JSON.stringify(await WAYS[form.dataset.passkey](options));
      form.submit();
    } catch (problem) {
      complain(form, problem);
    }
  };

  if (!window.PublicKeyCredential) return;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form);
    });
  }
  for (const notice of document.querySelectorAll("[data-no-passkeys]")) notice.hidden = true;
})();
