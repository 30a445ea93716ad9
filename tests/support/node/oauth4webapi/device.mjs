// A device on oauth4webapi. It writes two lines: what it shows to its person, then what it got.

import { setTimeout } from "node:timers/promises";
import * as oauth from "oauth4webapi";
import { read, write } from "../lines.mjs";
import { discovered } from "./server.mjs";

const { issuer, scope, client_id } = await read();
const server = await discovered(issuer);
const client = { client_id };

const shown = await oauth.processDeviceAuthorizationResponse(
  server,
  client,
  await oauth.deviceAuthorizationRequest(server, client, oauth.None(), new URLSearchParams({ scope })),
);
const early = await poll().catch((error) => error.error);
write({ ...shown, early });

await read(); // the person has decided
await setTimeout(shown.interval * 1000);
const token = await poll();
const again = await poll().catch((error) => error.error);
write({ token, again });

async function poll() {
  const response = await oauth.deviceCodeGrantRequest(server, client, oauth.None(), shown.device_code);
  return oauth.processDeviceCodeResponse(server, client, response);
}
