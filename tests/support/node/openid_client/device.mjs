// A device on openid-client. It writes two lines: what it shows to its person, then what it got by asking meanwhile.

import * as client from "openid-client";
import { read, write } from "../lines.mjs";
import { discovered } from "./server.mjs";

const { issuer, scope, client_id } = await read();
const config = await discovered(issuer, client_id, client.None());

const shown = await client.initiateDeviceAuthorization(config, { scope });
write(shown);
write({ token: await client.pollDeviceAuthorizationGrant(config, shown) });
