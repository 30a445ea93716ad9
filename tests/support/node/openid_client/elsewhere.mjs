// A call centre on openid-client that asks a person who is elsewhere. It writes two lines: what it was told at once, then
// what it got by asking meanwhile.

import { importJWK } from "jose";
import * as client from "openid-client";
import { read, write } from "../lines.mjs";
import { discovered } from "./server.mjs";

const { issuer, scope, details, hint, message, application } = await read();
const { client_id, jwk } = application;
const authentication = client.PrivateKeyJwt({ key: await importJWK(jwk, jwk.alg), kid: jwk.kid });
const config = await discovered(issuer, client_id, authentication, { id_token_signed_response_alg: "ES256" });

const asked = await client.initiateBackchannelAuthentication(config, {
  scope,
  login_hint: hint,
  binding_message: message,
  authorization_details: JSON.stringify(details),
});
write(asked);
const token = await client.pollBackchannelAuthenticationGrant(config, asked);
write({ token, claims: token.claims() });
