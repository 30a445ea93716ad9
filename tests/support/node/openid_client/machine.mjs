// A service on openid-client that proves who it is with a key of its own, and the API that it calls, on jose.
// The API asks about a token in every form: as JSON, signed, and signed and encrypted.

import { createRemoteJWKSet, importJWK, jwtVerify } from "jose";
import * as client from "openid-client";
import { read, write } from "../lines.mjs";
import { discovered } from "./server.mjs";

const { issuer, scope, resource, application, api, signing_api, sealing_api } = await read();
const key = await importJWK(application.jwk, application.jwk.alg);
const authentication = client.PrivateKeyJwt({ key, kid: application.jwk.kid });
const config = await discovered(issuer, application.client_id, authentication);
const server = config.serverMetadata();

const token = await client.clientCredentialsGrant(config, { scope, resource });
const published = createRemoteJWKSet(new URL(server.jwks_uri));
const verified = await jwtVerify(token.access_token, published, { issuer, audience: resource, typ: "at+jwt" });

const asking = new client.Configuration(server, api.client_id, {}, client.ClientSecretBasic(api.client_secret));
const asking_signed = caller(signing_api);
const asking_sealed = caller(sealing_api);
const { jwk } = sealing_api;
client.enableDecryptingResponses(asking_sealed, ["A128CBC-HS256"], {
  key: await importJWK(jwk, jwk.alg),
  alg: jwk.alg,
  kid: jwk.kid,
});

const alive = await introspect(asking);
const signed = await introspect(asking_signed);
const sealed = await client.tokenIntrospection(asking_sealed, token.access_token);
const opened = client.getDecryptedResponses(sealed);
await client.tokenRevocation(config, token.access_token);
const dead = await introspect(asking);
const dead_signed = await introspect(asking_signed);
write({ token, claims: verified.payload, alive, signed, sealed, opened, dead, dead_signed });

function caller({ client_id, client_secret, alg }) {
  const metadata = { introspection_signed_response_alg: alg };
  const made = new client.Configuration(server, client_id, metadata, client.ClientSecretBasic(client_secret));
  client.enableNonRepudiationChecks(made);
  return made;
}

async function introspect(config) {
  let media_type;
  config[client.customFetch] = async (url, options) => {
    const response = await fetch(url, options);
    if (url === server.introspection_endpoint) media_type = response.headers.get("content-type");
    return response;
  };
  return { ...(await client.tokenIntrospection(config, token.access_token)), media_type };
}
