// Starts Swagger UI with what the page says in its data attributes.
"use strict";

const { openapiUrl, clientId, redirectUrl, scopes } = document.getElementById("swagger-ui").dataset;

const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", prefersDark.matches);
prefersDark.addEventListener("change", dress);
dress();

const explorer = SwaggerUIBundle({
  url: openapiUrl,
  dom_id: "#swagger-ui",
  layout: "BaseLayout",
  deepLinking: true,
  validatorUrl: null, // the default would send the description to a foreign host
  oauth2RedirectUrl: redirectUrl,
});

explorer.initOAuth({
  clientId,
  scopes: scopes.split(" ").filter(Boolean),
  usePkceWithAuthorizationCodeGrant: true,
});
