// An application on openid-client with demanding requests: as it is told, it pushes them, signs them, asks for details,
// binds what it gets to a key, and wants signed answers. It writes two lines: the URL that the person is sent to, then
// what it got; in between it reads where he came back to.

import { importJWK } from "jose";
import * as client from "openid-client";
import { read, write } from "../lines.mjs";
import { discovered } from "./server.mjs";

const { issuer, callback, scope, details, application, pushes, signs, answers_signed, binds } = await read();
const { client_id, client_secret, jwk } = application;
const key = { key: await importJWK(jwk, jwk.alg), kid: jwk.kid };
const authentication = client_secret ? client.ClientSecretPost(client_secret) : client.PrivateKeyJwt(key);
const metadata = {
  id_token_signed_response_alg: "ES256",
  authorization_signed_response_alg: "ES256",
  ...(answers_signed && { introspection_signed_response_alg: "ES256" }),
};
const config = await discovered(issuer, client_id, authentication, metadata);
client.enableNonRepudiationChecks(config);
if (answers_signed) client.useJwtResponseMode(config);
const DPoP = binds ? client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256")) : undefined;

const checks = {
  pkceCodeVerifier: client.randomPKCECodeVerifier(),
  expectedState: client.randomState(),
  expectedNonce: client.randomNonce(),
  idTokenExpected: true,
};
const parameters = {
  redirect_uri: callback,
  scope,
  state: checks.expectedState,
  nonce: checks.expectedNonce,
  code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
  code_challenge_method: "S256",
  authorization_details: JSON.stringify(details),
};
let url = client.buildAuthorizationUrl(config, parameters);
if (signs) url = await client.buildAuthorizationUrlWithJAR(config, parameters, key);
if (pushes) url = await client.buildAuthorizationUrlWithPAR(config, url.searchParams, { DPoP });
write(url.href);

const back = new URL(await read());
const first = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
const second = await refresh(details.slice(0, 1));
const more = await refresh([{ ...details[0], limit: "1000.00" }]).catch((error) => error.error);
const alive = await client.tokenIntrospection(config, second.access_token);
const userinfo = await client.fetchUserInfo(config, second.access_token, client.skipSubjectCheck, { DPoP });
write({ first, second, more, alive, userinfo, claims: first.claims(), back: [...back.searchParams.keys()] });

async function refresh(authorization_details) {
  const narrowed = { authorization_details: JSON.stringify(authorization_details) };
  return client.refreshTokenGrant(config, first.refresh_token, narrowed, { DPoP });
}
