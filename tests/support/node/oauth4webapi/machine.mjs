// A service on oauth4webapi that proves who it is with a key of its own, and the API that it calls.

import { importJWK } from "jose";
import * as oauth from "oauth4webapi";
import { read, write } from "../lines.mjs";
import { discovered } from "./server.mjs";

const { issuer, scope, resource, application, api } = await read();
const server = await discovered(issuer);
const client = { client_id: application.client_id };
const key = await importJWK(application.jwk, application.jwk.alg);
const authentication = oauth.PrivateKeyJwt({ key, kid: application.jwk.kid });

const token = await oauth.processClientCredentialsResponse(
  server,
  client,
  await oauth.clientCredentialsGrantRequest(
    server,
    client,
    authentication,
    new URLSearchParams({ scope, resource }),
  ),
);
const call = new Request(`${resource}/v1/things`, { headers: { Authorization: `Bearer ${token.access_token}` } });
const claims = await oauth.validateJwtAccessToken(server, call, resource);

const alive = await introspect(false);
const signed = await introspect(true);
await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, authentication, token.access_token),
);
write({ token, claims, alive, signed, dead: await introspect(false), dead_signed: await introspect(true) });

async function introspect(requestJwtResponse) {
  const caller = { client_id: api.client_id };
  const secret = oauth.ClientSecretBasic(api.client_secret);
  const options = { requestJwtResponse };
  const response = await oauth.introspectionRequest(server, caller, secret, token.access_token, options);
  const answer = await oauth.processIntrospectionResponse(server, caller, response);
  if (requestJwtResponse) await oauth.validateApplicationLevelSignature(server, response);
  return { media_type: response.headers.get("content-type"), ...answer };
}
