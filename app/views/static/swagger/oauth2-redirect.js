// Hands the authorization answer in the address of this window to the Swagger UI that opened it, and closes.
"use strict";

function handOver(request) {
  const answer = Object.fromEntries(new URLSearchParams(window.location.search));
  const fail = (message) => {
    request.errCb({ authId: request.auth.name, source: "auth", level: "error", message });
  };
  if (answer.state !== request.state) {
    fail("The answer does not belong to this request: its state differs.");
  } else if (answer.code) {
    delete request.state; // one answer per request
    request.auth.code = answer.code;
    request.callback({ auth: request.auth, redirectUrl: request.redirectUrl });
  } else {
    fail([answer.error, answer.error_description].filter(Boolean).join(": ") || "The server sent no code.");
  }
  window.close();
}

const opened = window.opener && window.opener.swaggerUIRedirectOauth2;
if (opened) handOver(opened);
