// The server, and what this page is called there. Nothing in a page is a secret.
export const issuer = "http://localhost:8000";
export const clientId = "pocket-board";
