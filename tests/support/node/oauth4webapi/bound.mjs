// A public application on oauth4webapi whose code, tokens and refresh tokens are bound to its key, from its request on.
// It writes two lines: the URL that the person is sent to, then what it got; in between it reads where he came back to.

import * as oauth from "oauth4webapi";
import { read, write } from "../lines.mjs";
import { discovered, Prover, validatedWithProof } from "./server.mjs";

const { issuer, callback, scope, resource, client_id } = await read();
const server = await discovered(issuer);
const client = { client_id };
const prover = new Prover();
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
const thief = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const jkt = await DPoP.calculateThumbprint();
const url = new URL(server.authorization_endpoint);
url.search = new URLSearchParams({
  response_type: "code",
  client_id,
  redirect_uri: callback,
  scope,
  resource,
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  dpop_jkt: jkt,
});
write(url.href);

const answer = oauth.validateAuthResponse(server, client, new URL(await read()), state);
const stolen_code = await redeem(thief).catch((error) => error.error);
const first = await redeem(DPoP);
const claims = await validatedWithProof(server, first.access_token, resource, DPoP);
const second = await refresh(DPoP);
const stolen = await refresh(thief).catch((error) => error.error);
const unproved = await refresh().catch((error) => error.error);
const third = await refresh(DPoP);
write({ jkt, first, claims, second, third, stolen_code, stolen, unproved, challenges: prover.challenges });

async function redeem(DPoP) {
  return prover.send(
    () => oauth.authorizationCodeGrantRequest(server, client, oauth.None(), answer, callback, verifier, { DPoP }),
    (response) => oauth.processAuthorizationCodeResponse(server, client, response),
  );
}

// What is bound to a key stays as it is: there is no other refresh token.
async function refresh(DPoP) {
  return prover.send(
    () => oauth.refreshTokenGrantRequest(server, client, oauth.None(), first.refresh_token, { DPoP }),
    (response) => oauth.processRefreshTokenResponse(server, client, response),
  );
}
