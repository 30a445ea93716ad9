// What every program on oauth4webapi does: it finds the server, and proves its key with a nonce of the server.

import * as oauth from "oauth4webapi";

export async function discovered(issuer) {
  const response = await oauth.discoveryRequest(new URL(issuer), { algorithm: "oauth2" });
  return oauth.processDiscoveryResponse(new URL(issuer), response);
}

// `challenges` counts how often the server has asked for a nonce; the DPoP handle keeps the one that came with it.
export class Prover {
  challenges = 0;

  async send(request, process) {
    try {
      return await process(await request());
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      this.challenges += 1;
      return process(await request());
    }
  }
}

// An API that checks a JWT and the proof that came with it, by the server's published keys alone.
export async function validatedWithProof(server, token, audience, DPoP) {
  let call;
  const kept = (url, options) => {
    call = new Request(url, options);
    return new Response();
  };
  const options = { DPoP, [oauth.customFetch]: kept };
  await oauth.protectedResourceRequest(token, "GET", new URL("/v1/things", audience), undefined, undefined, options);
  return oauth.validateJwtAccessToken(server, call, audience, { requireDPoP: true });
}
