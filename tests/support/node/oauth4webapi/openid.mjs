// A web application on oauth4webapi that signs a person in with OpenID Connect, and out again; userinfo comes signed.
// It writes three lines: the URL that the person is sent to, what it got with the URL to sign out at, and what came of
// its refresh token after that.

import * as oauth from "oauth4webapi";
import { read, write } from "../lines.mjs";

const { issuer, callback, afterwards, scope, client_id, client_secret } = await read();
const client = { client_id, id_token_signed_response_alg: "ES256", userinfo_signed_response_alg: "ES256" };
const authentication = oauth.ClientSecretBasic(client_secret);
const discovered = await oauth.discoveryRequest(new URL(issuer));
const server = await oauth.processDiscoveryResponse(new URL(issuer), discovered);

const verifier = oauth.generateRandomCodeVerifier();
const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
const url = new URL(server.authorization_endpoint);
url.search = new URLSearchParams({
  response_type: "code",
  client_id,
  redirect_uri: callback,
  scope,
  state,
  nonce,
  max_age: "3600",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
});
write(url.href);

const answer = oauth.validateAuthResponse(server, client, new URL(await read()), state);
const sent = await oauth.authorizationCodeGrantRequest(server, client, authentication, answer, callback, verifier);
const first = await verified(sent, (response) =>
  oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: nonce,
    maxAge: 3600,
    requireIdToken: true,
  }),
);
const claims = oauth.getValidatedIdTokenClaims(first);
const second = await refresh(first.refresh_token);
const told = await oauth.userInfoRequest(server, client, second.access_token);
const userinfo = await verified(told, (response) =>
  oauth.processUserInfoResponse(server, client, claims.sub, response),
);
const sign_out = new URL(server.end_session_endpoint);
sign_out.search = new URLSearchParams({
  post_logout_redirect_uri: afterwards,
  id_token_hint: second.id_token,
  state,
});
const login = { claims, refreshed: oauth.getValidatedIdTokenClaims(second), userinfo };
write({ login, sign_out: sign_out.href, state });

await read();
write(await refresh(second.refresh_token).catch((error) => error.error));

async function refresh(token) {
  const response = await oauth.refreshTokenGrantRequest(server, client, authentication, token);
  if (!response.ok) return oauth.processRefreshTokenResponse(server, client, response);
  return verified(response, (answer) => oauth.processRefreshTokenResponse(server, client, answer));
}

// The library leaves the signature of what came over TLS to who wants to know.
async function verified(response, process) {
  const result = await process(response);
  await oauth.validateApplicationLevelSignature(server, response);
  return result;
}
