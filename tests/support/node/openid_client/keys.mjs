// A service on openid-client that asks for many tokens at once, each over a connection of its own.

import { importJWK } from "jose";
import * as client from "openid-client";
import { read, write } from "../lines.mjs";
import { discovered } from "./server.mjs";

const { issuer, application, times } = await read();
const key = await importJWK(application.jwk, application.jwk.alg);
const authentication = client.PrivateKeyJwt({ key, kid: application.jwk.kid });
const config = await discovered(issuer, application.client_id, authentication);

const asked = Array.from({ length: times }, () => client.clientCredentialsGrant(config));
const tokens = await Promise.all(asked);
write({ tokens: new Set(tokens.map((token) => token.access_token)).size });
