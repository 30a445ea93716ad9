// Pocket Board: a page that signs its person in with OpenID Connect. oidc-client-ts does the protocol (discovery, code
// flow with PKCE, state and nonce, refresh, sign-out); this file shows where each call goes.

import { clientId, issuer } from "./settings.js";

const { UserManager } = globalThis.oidc;
const here = location.origin + location.pathname;
const part = (id) => document.getElementById(id);

const manager = new UserManager({
  authority: issuer,
  client_id: clientId,
  redirect_uri: here,
  post_logout_redirect_uri: here,
  scope: "openid profile email",
  loadUserInfo: true, // the ID token says who signed in; what the scopes tell of him comes from userinfo
  automaticSilentRenew: true, // with the refresh token, a minute before the access token ends; no hidden frame
});

part("issuer").textContent = issuer;
part("issuer").href = issuer;
manager.events.addUserLoaded(show);
manager.events.addSilentRenewError((error) => tell("problem", `The token was not refreshed: ${error.message}`));

on("sign-in", () => manager.signinRedirect());
on("ask-userinfo", askUserinfo);
on("refresh", async () => {
  await manager.signinSilent();
  tell("notice", "A new access token, and a new refresh token in place of the old one.");
});
on("sign-out", () => manager.signoutRedirect({ state: "wished" })); // it comes back with a state then

try {
  await arrive();
} catch (error) {
  tell("problem", `The server refused: ${error.message}`);
}
show(await manager.getUser());

// The server sends people back to this page: after a sign-in with a code or an error, after a sign-out with the state.
async function arrive() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state")) return;
  history.replaceState(null, "", here); // a code is used once; it need not stay in the history
  const url = `${here}?${answer}`;
  if (answer.has("code") || answer.has("error")) {
    // RFC 9207 section 2.4: an answer from another server than the one asked is a mix-up attack.
    if (answer.get("iss") !== issuer) throw new Error("the answer does not come from the server that was asked");
    await manager.signinRedirectCallback(url);
    tell("notice", "Signed in.");
  } else {
    await manager.signoutRedirectCallback(url);
    tell("notice", "Signed out, here and at the server.");
  }
}

// OpenID Connect Core section 5.3: the access token asks for what the scopes tell of the person.
async function askUserinfo() {
  const user = await manager.getUser();
  const endpoint = await manager.metadataService.getUserInfoEndpoint();
  const answer = await fetch(endpoint, { headers: { Authorization: `Bearer ${user.access_token}` } });
  part("userinfo").textContent = answer.ok
    ? JSON.stringify(await answer.json(), null, 2)
    : `${answer.status} ${answer.headers.get("WWW-Authenticate") ?? ""}`;
  part("userinfo").hidden = false;
}

function show(user) {
  const signedIn = user !== null && !user.expired;
  part("signed-in").hidden = !signedIn;
  part("signed-out").hidden = signedIn;
  if (!signedIn) return;
  const { profile } = user;
  part("who").textContent = profile.name ?? profile.preferred_username ?? profile.sub;
  const told = Object.entries(profile).flatMap(([name, value]) => [cell("dt", name), cell("dd", value)]);
  part("claims").replaceChildren(...told);
  part("scopes").textContent = user.scope;
  part("seconds").textContent = user.expires_in;
}

function cell(tag, value) {
  const made = document.createElement(tag);
  made.textContent = typeof value === "string" ? value : JSON.stringify(value);
  return made;
}

function on(id, act) {
  part(id).addEventListener("click", async () => {
    for (const place of ["notice", "problem"]) part(place).hidden = true;
    try {
      await act();
    } catch (error) {
      tell("problem", error.message);
    }
  });
}

function tell(place, text) {
  part(place).textContent = text;
  part(place).hidden = false;
}
