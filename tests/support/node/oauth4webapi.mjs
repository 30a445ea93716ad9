// An application on oauth4webapi. It reads JSON lines: first its registration, then the URL that it is called back with.
// It writes JSON lines: first the URL that the person is sent to, then what it got.

import { createInterface } from "node:readline";
import * as oauth from "oauth4webapi";

const METHODS = {
  client_secret_basic: oauth.ClientSecretBasic,
  client_secret_post: oauth.ClientSecretPost,
  none: oauth.None,
};

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const write = (value) => console.log(JSON.stringify(value));

const { issuer, callback, scope, application, api } = await read();
const client = { client_id: application.client_id };
const authentication = METHODS[application.method](application.client_secret);
const resource = { client_id: api.client_id };

const discovered = await oauth.discoveryRequest(new URL(issuer), { algorithm: "oauth2" });
const server = await oauth.processDiscoveryResponse(new URL(issuer), discovered);

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const url = new URL(server.authorization_endpoint);
url.search = new URLSearchParams({
  response_type: "code",
  client_id: client.client_id,
  redirect_uri: callback,
  scope,
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
});
write(url.href);

const answer = oauth.validateAuthResponse(server, client, new URL(await read()), state);
const first = await oauth.processAuthorizationCodeResponse(
  server,
  client,
  await oauth.authorizationCodeGrantRequest(server, client, authentication, answer, callback, verifier),
);
const second = await refresh(first.refresh_token);
const alive = await introspect(second.access_token);
await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, authentication, second.refresh_token),
);
const dead = await introspect(second.access_token);
const refusal = await refresh(second.refresh_token).catch((error) => error.error);
write({ first, second, alive, dead, refusal });
process.stdin.destroy();

async function refresh(token) {
  const response = await oauth.refreshTokenGrantRequest(server, client, authentication, token);
  return oauth.processRefreshTokenResponse(server, client, response);
}

async function introspect(token) {
  const response = await oauth.introspectionRequest(server, resource, METHODS[api.method](api.client_secret), token);
  return oauth.processIntrospectionResponse(server, resource, response);
}
