// The peer's PostgreSQL adapter: one table, named prepared statements, durable commits.

const FIND = {
  name: 'find',
  text: 'select payload, consumed_at from oidc_payload where kind = $1 and id = $2 and expires_at > now()',
};
const UPSERT = {
  name: 'upsert',
  text: `insert into oidc_payload (kind, id, payload, grant_id, expires_at)
         values ($1, $2, $3, $4, now() + make_interval(secs => $5))
         on conflict (kind, id) do update set payload = excluded.payload, grant_id = excluded.grant_id,
           expires_at = excluded.expires_at`,
};
const CONSUME = {
  name: 'consume',
  text: 'update oidc_payload set consumed_at = now() where kind = $1 and id = $2',
};
const DESTROY = { name: 'destroy', text: 'delete from oidc_payload where kind = $1 and id = $2' };
const REVOKE = { name: 'revoke', text: 'delete from oidc_payload where kind = $1 and grant_id = $2' };

export const TABLE = `create table oidc_payload (
  kind text not null, id text not null, payload json not null, grant_id text, consumed_at timestamptz,
  expires_at timestamptz not null, primary key (kind, id));
  create index on oidc_payload (grant_id) where grant_id is not null;`;

// Returns the adapter class that the provider makes one instance of per model.
export function adapterOn(pool) {
  return class PostgresAdapter {
    constructor(kind) {
      this.kind = kind;
    }

    async find(id) {
      const { rows } = await pool.query({ ...FIND, values: [this.kind, id] });
      if (rows.length === 0) return undefined;
      const { payload, consumed_at: consumedAt } = rows[0];
      return consumedAt ? { ...payload, consumed: true } : payload;
    }

    async upsert(id, payload, expiresIn) {
      const values = [this.kind, id, JSON.stringify(payload), payload.grantId ?? null, expiresIn];
      await pool.query({ ...UPSERT, values });
    }

    async consume(id) {
      await pool.query({ ...CONSUME, values: [this.kind, id] });
    }

    async destroy(id) {
      await pool.query({ ...DESTROY, values: [this.kind, id] });
    }

    async revokeByGrantId(grantId) {
      await pool.query({ ...REVOKE, values: [this.kind, grantId] });
    }

    // Sessions, device codes and the like are no part of the measurement.
    async findByUid() {
      return undefined;
    }

    async findByUserCode() {
      return undefined;
    }
  };
}

// Returns an adapter class that keeps what is saved in `saved`, for writing it out in bulk.
export function collectingAdapter(saved) {
  return class CollectingAdapter {
    constructor(kind) {
      this.kind = kind;
    }

    async upsert(id, payload, expiresIn) {
      saved.push({ kind: this.kind, id, payload, expiresIn });
    }
  };
}
