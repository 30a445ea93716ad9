// A gateway on openid-client that exchanges a person's token for one for another API, bound to the gateway's own key.

import { createRemoteJWKSet, jwtVerify } from "jose";
import * as client from "openid-client";
import { read, write } from "../lines.mjs";
import { counting, discovered } from "./server.mjs";

const { issuer, subject_token, scope, resource, application } = await read();
const config = await discovered(issuer, application.client_id, client.ClientSecretPost(application.client_secret));
const seen = counting(config);
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));

const token = await exchange({ resource, scope });
const published = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
const verified = await jwtVerify(token.access_token, published, { issuer, audience: resource, typ: "at+jwt" });
const elsewhere = await exchange({ resource: "https://elsewhere.example" }).catch((error) => error.error);
const jkt = await DPoP.calculateThumbprint();
write({ jkt, token, claims: verified.payload, elsewhere, challenges: seen.challenges });

async function exchange(target) {
  const subject_token_type = "urn:ietf:params:oauth:token-type:access_token";
  const form = { subject_token, subject_token_type, ...target };
  return client.genericGrantRequest(config, "urn:ietf:params:oauth:grant-type:token-exchange", form, { DPoP });
}
