"use strict";
// OpenID Connect Session Management 1.0 §3.2: a page of an application asks whether its login still stands, by posting
// "client_id session_state" to this frame. Whoever asks is known by the origin that the browser names.

const COOKIE = `${document.documentElement.dataset.cookie}=`;
const ASKED = /^(.+) ([0-9a-f]{64})\.([A-Za-z0-9_-]+)$/;

function browserState() {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(COOKIE));
  return found === undefined ? "" : found.slice(COOKIE.length);
}

async function answer(asked, origin) {
  const parts = typeof asked === "string" ? ASKED.exec(asked) : null;
  if (parts === null || crypto.subtle === undefined) {
    return "error";
  }
  const [, client, told, salt] = parts;
  const text = new TextEncoder().encode(`${client} ${origin} ${browserState()} ${salt}`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  const made = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return made === told ? "unchanged" : "changed";
}

addEventListener("message", async (event) => {
  if (event.source !== null && event.origin !== "null") {
    event.source.postMessage(await answer(event.data, event.origin), event.origin);
  }
});
