// A call centre on oauth4webapi that asks a person who is elsewhere, and polls. It writes two lines: what it was told at
// once, then what it got when he had decided.

import { setTimeout } from "node:timers/promises";
import { importJWK } from "jose";
import * as oauth from "oauth4webapi";
import { read, write } from "../lines.mjs";
import { discovered } from "./server.mjs";

const { issuer, scope, details, hint, message, application } = await read();
const { client_id, jwk } = application;
const server = await discovered(issuer);
const client = { client_id, id_token_signed_response_alg: "ES256" };
const authentication = oauth.PrivateKeyJwt({ key: await importJWK(jwk, jwk.alg), kid: jwk.kid });

const parameters = {
  scope,
  login_hint: hint,
  binding_message: message,
  authorization_details: JSON.stringify(details),
};
const asked = await oauth.processBackchannelAuthenticationResponse(
  server,
  client,
  await oauth.backchannelAuthenticationRequest(server, client, authentication, parameters),
);
const early = await poll().catch((error) => error.error);
write({ ...asked, early });

await read(); // the person has decided
await setTimeout(asked.interval * 1000);
const token = await poll();
const again = await poll().catch((error) => error.error);
write({ token, claims: oauth.getValidatedIdTokenClaims(token), again });

async function poll() {
  const response = await oauth.backchannelAuthenticationGrantRequest(
    server,
    client,
    authentication,
    asked.auth_req_id,
  );
  return oauth.processBackchannelAuthenticationGrantResponse(server, client, response);
}
