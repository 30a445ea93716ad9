// A public application on openid-client whose code, tokens and refresh tokens are bound to its key. It calls our API.
// It writes two lines: the URL that the person is sent to, then what it got; in between it reads where he came back to.

import * as client from "openid-client";
import { read, write } from "../lines.mjs";
import { counting, discovered } from "./server.mjs";

const { issuer, callback, scope, client_id } = await read();
const config = await discovered(issuer, client_id, client.None());
const seen = counting(config);
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
const thief = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));

const pkceCodeVerifier = client.randomPKCECodeVerifier();
const expectedState = client.randomState();
const jkt = await DPoP.calculateThumbprint();
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: callback,
  scope,
  state: expectedState,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
  dpop_jkt: jkt,
});
write(url.href);

const checks = { pkceCodeVerifier, expectedState };
const first = await client.authorizationCodeGrant(config, new URL(await read()), checks, undefined, { DPoP });
const index = await call(first.access_token, DPoP);
const second = await refresh({ DPoP });
const stolen_token = await call(second.access_token, thief).catch((error) => error.cause[0].parameters.error);
const stolen = await refresh({ DPoP: thief }).catch((error) => error.error);
const unproved = await refresh().catch((error) => error.error);
await client.tokenRevocation(config, first.refresh_token);
const revoked = await refresh({ DPoP }).catch((error) => error.error);
write({ jkt, first, index, second, stolen_token, stolen, unproved, revoked, challenges: seen.challenges });

async function call(token, DPoP) {
  const url = new URL(`${issuer}/api/v1/`);
  const response = await client.fetchProtectedResource(config, token, url, "GET", undefined, undefined, { DPoP });
  return response.json();
}

// What is bound to a key stays as it is: there is no other refresh token.
async function refresh(options) {
  return client.refreshTokenGrant(config, first.refresh_token, undefined, options);
}
