// A gateway on oauth4webapi that exchanges a person's token for one for another API, bound to the gateway's own key.

import * as oauth from "oauth4webapi";
import { read, write } from "../lines.mjs";
import { discovered, Prover, validatedWithProof } from "./server.mjs";

const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

const { issuer, subject_token, scope, resource, application } = await read();
const server = await discovered(issuer);
const client = { client_id: application.client_id };
const authentication = oauth.ClientSecretBasic(application.client_secret);
const prover = new Prover();
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));

const token = await exchange({ resource, scope });
const claims = await validatedWithProof(server, token.access_token, resource, DPoP);
const elsewhere = await exchange({ resource: "https://elsewhere.example" }).catch((error) => error.error);
const jkt = await DPoP.calculateThumbprint();
write({ jkt, token, claims, elsewhere, challenges: prover.challenges });

async function exchange(target) {
  const form = new URLSearchParams({ subject_token, subject_token_type: ACCESS_TOKEN, ...target });
  const grant = "urn:ietf:params:oauth:grant-type:token-exchange";
  return prover.send(
    () => oauth.genericTokenEndpointRequest(server, client, authentication, grant, form, { DPoP }),
    (response) => oauth.processGenericTokenEndpointResponse(server, client, response),
  );
}
