// A web application on openid-client that signs a person in with OpenID Connect, and out again. It writes three lines:
// the URL that the person is sent to, what it got with the URL to sign out at, and what came of its refresh token after
// that. With `hybrid` the code comes with an ID token through the browser; with a `jwk` ID tokens and userinfo are encrypted.

import * as client from "openid-client";
import { importJWK } from "jose";
import { read, write } from "../lines.mjs";

const { issuer, callback, afterwards, scope, client_id, client_secret, hybrid, jwk } = await read();
const metadata = { id_token_signed_response_alg: "ES256" };
const config = await client.discovery(new URL(issuer), client_id, metadata, client.ClientSecretPost(client_secret));
if (hybrid) client.useCodeIdTokenResponseType(config);
else client.enableNonRepudiationChecks(config); // it verifies the signatures, too, though they came over TLS
if (jwk) {
  const key = await importJWK(jwk, jwk.alg);
  client.enableDecryptingResponses(config, ["A128CBC-HS256"], { key, alg: jwk.alg, kid: jwk.kid });
}

const checks = {
  pkceCodeVerifier: client.randomPKCECodeVerifier(),
  expectedState: client.randomState(),
  expectedNonce: client.randomNonce(),
  idTokenExpected: true,
  maxAge: 3600,
};
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: callback,
  scope,
  state: checks.expectedState,
  nonce: checks.expectedNonce,
  max_age: `${checks.maxAge}`,
  code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
  code_challenge_method: "S256",
});
write(url.href);

const first = await client.authorizationCodeGrant(config, new URL(await read()), checks);
const claims = first.claims();
const second = await client.refreshTokenGrant(config, first.refresh_token);
const userinfo = await client.fetchUserInfo(config, second.access_token, claims.sub);
// What is encrypted to us nobody else can read: the hint is the signed token within (Core section 3.1.2.1).
const id_token_hint = client.getDecryptedResponses(first)?.id_token.token_endpoint ?? second.id_token;
const sign_out = client.buildEndSessionUrl(config, {
  post_logout_redirect_uri: afterwards,
  id_token_hint,
  state: checks.expectedState,
});
const login = { claims, refreshed: second.claims(), userinfo };
write({ login, sign_out: sign_out.href, state: checks.expectedState });

await read();
write(await client.refreshTokenGrant(config, second.refresh_token).catch((error) => error.error));
