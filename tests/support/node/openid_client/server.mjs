// What every program on openid-client does: it finds the server, and notes the errors that the server answers with.

import * as client from "openid-client";

export async function discovered(issuer, client_id, authentication, metadata = {}) {
  return client.discovery(new URL(issuer), client_id, metadata, authentication, { algorithm: "oauth2" });
}

// How often the server asks for a nonce cannot be seen otherwise: the library sends the request once more by itself.
export function counting(config) {
  const seen = { challenges: 0 };
  config[client.customFetch] = async (url, options) => {
    const response = await fetch(url, options);
    const told = [response.headers.get("www-authenticate") ?? "", response.ok ? "" : await response.clone().text()];
    if (told.some((text) => text.includes("use_dpop_nonce"))) seen.challenges += 1;
    return response;
  };
  return seen;
}
