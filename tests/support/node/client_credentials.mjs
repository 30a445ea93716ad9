// An application on oauth4webapi that acts for itself. It reads its registration, one JSON value, and writes what it got.

import { text } from "node:stream/consumers";
import * as oauth from "oauth4webapi";

const METHODS = { client_secret_basic: oauth.ClientSecretBasic, client_secret_post: oauth.ClientSecretPost };

const { issuer, scope, application, api } = JSON.parse(await text(process.stdin));
const client = { client_id: application.client_id };
const authentication = METHODS[application.method](application.client_secret);
const resource = { client_id: api.client_id };

const discovered = await oauth.discoveryRequest(new URL(issuer), { algorithm: "oauth2" });
const server = await oauth.processDiscoveryResponse(new URL(issuer), discovered);

const asked = new URLSearchParams({ scope });
const token = await oauth.processClientCredentialsResponse(
  server,
  client,
  await oauth.clientCredentialsGrantRequest(server, client, authentication, asked),
);
const alive = await introspect(token.access_token);
await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, authentication, token.access_token),
);
console.log(JSON.stringify({ token, alive, dead: await introspect(token.access_token) }));

async function introspect(value) {
  const response = await oauth.introspectionRequest(server, resource, METHODS[api.method](api.client_secret), value);
  return oauth.processIntrospectionResponse(server, resource, response);
}
