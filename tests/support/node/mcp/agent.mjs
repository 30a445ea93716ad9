// An agent on one of the official SDKs. It connects, calls a tool, calls it again with a token that is worth nothing any
// more, and calls one that needs more. Whenever it wants to send its person somewhere, it says so, and is told what came back.

import { randomUUID } from "node:crypto";
import { read, write } from "../lines.mjs";

const told = await read();
const { Client, Transport, UnauthorizedError } = await library(told.library);

class Provider {
  redirectUrl = told.callback;
  clientMetadata = {
    client_name: "Field agent",
    redirect_uris: [told.callback],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  clientMetadataUrl = told.document ?? undefined;
  isOver = false;
  #client = told.client ?? undefined;
  #tokens;
  #state;
  #verifier;

  state = () => (this.#state = randomUUID());
  clientInformation = () => this.#client;
  saveClientInformation = (client) => void (this.#client = client);
  saveTokens = (tokens) => void ((this.#tokens = tokens), (this.isOver = false));
  saveCodeVerifier = (verifier) => void (this.#verifier = verifier);
  codeVerifier = () => this.#verifier;

  // 1.x takes any refresh token for a reason not to ask for more, so it gets one only when it is time to refresh.
  tokens = () => {
    if (told.library === "client" || this.isOver || this.#tokens === undefined) return this.#tokens;
    const { refresh_token, ...others } = this.#tokens;
    return others;
  };
  get kept() {
    return { client: this.#client, tokens: this.#tokens };
  }

  async redirectToAuthorization(url) {
    write({ authorize: url.href });
    this.back = await read();
    if (this.back.state !== this.#state) throw new Error("another state came back");
  }
}

const provider = new Provider();
let [client, transport] = fresh();
await withPerson(
  () => client.connect(transport),
  () => ([client, transport] = fresh()),
);
write({ said: await call("list_notes"), ...provider.kept });

await read();
provider.isOver = true;
write({ said: await call("list_notes"), ...provider.kept });

const said = await withPerson(() => call("add_note", { text: "Water the figs" }));
write({ said, notes: await call("list_notes"), ...provider.kept });
await client.close();

function fresh() {
  const client = new Client({ name: "field-agent", version: "1.0.0" }, told.options);
  return [client, new Transport(new URL(told.url), { authProvider: provider })];
}

async function withPerson(work, again = () => {}) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    await (told.library === "client"
      ? transport.finishAuth(new URLSearchParams(provider.back))
      : transport.finishAuth(provider.back.code));
    again();
    return work();
  }
}

async function call(name, parameters = {}) {
  const result = await client.callTool({ name, arguments: parameters });
  if (result.isError) throw new Error(JSON.stringify(result.content));
  return result.content.map((part) => part.text).join("\n");
}

async function library(name) {
  if (name === "client") {
    const { Client, StreamableHTTPClientTransport: Transport, UnauthorizedError } = await import("@modelcontextprotocol/client");
    return { Client, Transport, UnauthorizedError };
  }
  const [{ Client }, { StreamableHTTPClientTransport: Transport }, { UnauthorizedError }] = await Promise.all([
    import("@modelcontextprotocol/sdk/client/index.js"),
    import("@modelcontextprotocol/sdk/client/streamableHttp.js"),
    import("@modelcontextprotocol/sdk/client/auth.js"),
  ]);
  return { Client, Transport, UnauthorizedError };
}
