// An application on oauth4webapi with demanding requests: as it is told, it pushes them, signs them, asks for details,
// binds what it gets to a key, and wants signed answers. It writes two lines: the URL that the person is sent to, then
// what it got; in between it reads where he came back to.

import { importJWK } from "jose";
import * as oauth from "oauth4webapi";
import { read, write } from "../lines.mjs";
import { discovered, Prover } from "./server.mjs";

const { issuer, callback, scope, details, application, pushes, signs, answers_signed, binds } = await read();
const { client_id, client_secret, jwk } = application;
const server = await discovered(issuer);
const client = { client_id, id_token_signed_response_alg: "ES256", authorization_signed_response_alg: "ES256" };
const key = { key: await importJWK(jwk, jwk.alg), kid: jwk.kid };
const authentication = client_secret ? oauth.ClientSecretBasic(client_secret) : oauth.PrivateKeyJwt(key);
const prover = new Prover();
const DPoP = binds ? oauth.DPoP(client, await oauth.generateKeyPair("ES256")) : undefined;

const verifier = oauth.generateRandomCodeVerifier();
const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
let parameters = new URLSearchParams({
  response_type: "code",
  client_id,
  redirect_uri: callback,
  scope,
  state,
  nonce,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  authorization_details: JSON.stringify(details),
  ...(answers_signed && { response_mode: "jwt" }),
});
if (signs) parameters = alone({ request: await oauth.issueRequestObject(server, client, parameters, key) });
if (pushes) {
  const { request_uri } = await prover.send(
    () => oauth.pushedAuthorizationRequest(server, client, authentication, parameters, { DPoP }),
    (response) => oauth.processPushedAuthorizationResponse(server, client, response),
  );
  parameters = alone({ request_uri });
}
const url = new URL(server.authorization_endpoint);
url.search = parameters;
write(url.href);

const back = new URL(await read());
const validate = answers_signed ? oauth.validateJwtAuthResponse : oauth.validateAuthResponse;
const answer = await validate(server, client, back, state);
const first = await prover.send(
  () => oauth.authorizationCodeGrantRequest(server, client, authentication, answer, callback, verifier, { DPoP }),
  (response) =>
    oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce, requireIdToken: true }),
);
const second = await refresh(details.slice(0, 1));
const more = await refresh([{ ...details[0], limit: "1000.00" }]).catch((error) => error.error);
const alive = await introspect(second.access_token, answers_signed);
const userinfo = await told(second.access_token);
const claims = oauth.getValidatedIdTokenClaims(first);
write({ first, second, more, alive, userinfo, claims, back: [...back.searchParams.keys()] });

function alone(members) {
  return new URLSearchParams({ client_id, ...members });
}

async function refresh(authorization_details) {
  const additionalParameters = { authorization_details: JSON.stringify(authorization_details) };
  return prover.send(
    () =>
      oauth.refreshTokenGrantRequest(server, client, authentication, first.refresh_token, {
        DPoP,
        additionalParameters,
      }),
    (response) => oauth.processRefreshTokenResponse(server, client, response),
  );
}

async function introspect(token, requestJwtResponse) {
  const response = await oauth.introspectionRequest(server, client, authentication, token, { requestJwtResponse });
  const answer = await oauth.processIntrospectionResponse(server, client, response);
  if (requestJwtResponse) await oauth.validateApplicationLevelSignature(server, response);
  return answer;
}

async function told(token) {
  return prover.send(
    () => oauth.userInfoRequest(server, client, token, { DPoP }),
    (response) => oauth.processUserInfoResponse(server, client, oauth.skipSubjectCheck, response),
  );
}
