// An API on jose that checks tokens with the keys at `jwks_uri`, as the library does by itself: it keeps them for ten
// minutes, and fetches them for an unknown key at most once in half a minute. The test can put its clock forward.

import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { read, write } from "./lines.mjs";

const { issuer, jwks_uri } = await read();
const keys = createRemoteJWKSet(new URL(jwks_uri));
const now = Date.now;
let ahead = 0;
Date.now = () => now() + ahead;

for (let asked = await read(); asked !== null; asked = await read()) {
  if (asked.ahead !== undefined) {
    ahead = asked.ahead * 1000;
    continue;
  }
  try {
    await jwtVerify(asked.token, keys, { issuer });
    write("");
  } catch (error) {
    write(`${error.code} for ${decodeProtectedHeader(asked.token).kid}`);
  }
}
process.exit(0);
