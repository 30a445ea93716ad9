// node prepare.mjs TOKENS CODES FAMILIES REVOCABLE: makes the table and fills it with what the provider's own models save.
// Prints {"tokens": […], "codes": […], "refreshTokens": […], "revocable": […], "openidCodes": […], "openidTokens": […]}.

import pg from 'pg';

import { TABLE, collectingAdapter } from './adapter.mjs';
import { client, connection } from './options.mjs';
import { OPENID, SCOPES, createProvider } from './provider.mjs';

const [tokens, codes, families, revocable] = process.argv.slice(2).map(Number);
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'; // RFC 7636, Appendix B
const BATCH = 5_000;

const saved = [];
const database = new pg.Client(connection);
await database.connect();
await database.query(TABLE);
const provider = createProvider(collectingAdapter(saved), client);
const registered = await provider.Client.find(client.clientId);

async function writeOut() {
  const rows = saved.splice(0);
  await database.query(
    `insert into oidc_payload (kind, id, payload, grant_id, expires_at)
     select kind, id, payload::json, grant_id, now() + make_interval(secs => seconds)
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[]) as r(kind, id, payload, grant_id, seconds)`,
    [
      rows.map((row) => row.kind),
      rows.map((row) => row.id),
      rows.map((row) => JSON.stringify(row.payload)),
      rows.map((row) => row.payload.grantId ?? null),
      rows.map((row) => row.expiresIn),
    ],
  );
}

async function make(count, one, scope = SCOPES) {
  const values = [];
  for (let number = 0; number < count; number += 1) {
    const accountId = `user-${number % 1_000}`;
    const grant = new provider.Grant({ accountId, clientId: client.clientId });
    grant.addOIDCScope(scope);
    const grantId = await grant.save();
    values.push(await one({ accountId, client: registered, grantId, scope, gty: 'authorization_code' }));
    if (saved.length >= BATCH) await writeOut();
  }
  await writeOut();
  return values;
}

const authTime = Math.floor(Date.now() / 1000);
const code = ({ gty, ...common }) =>
  new provider.AuthorizationCode({
    ...common,
    authTime,
    codeChallenge: CHALLENGE,
    codeChallengeMethod: 'S256',
    redirectUri: client.redirectUri,
  }).save();
const made = {
  tokens: await make(tokens, (common) => new provider.AccessToken(common).save()),
  codes: await make(codes, code),
  openidCodes: await make(codes, (common) => code({ ...common, nonce: 'n-0S6_WzA2Mj' }), OPENID),
  openidTokens: await make(Math.ceil(tokens / 4), (common) => new provider.AccessToken(common).save(), OPENID),
  refreshTokens: await make(families, (common) =>
    new provider.RefreshToken({ ...common, authTime, rotations: 0 }).save(),
  ),
  revocable: await make(revocable, (common) => new provider.AccessToken(common).save()),
};
await database.end();
process.stdout.write(JSON.stringify(made));
