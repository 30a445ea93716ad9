// node server.mjs PORT PROCESSES CONNECTIONS: serves the peer; the connections are shared out among the processes.

import cluster from 'node:cluster';

import pg from 'pg';

import { adapterOn } from './adapter.mjs';
import { client, connection } from './options.mjs';
import { createProvider } from './provider.mjs';

const [port, processes, connections] = process.argv.slice(2).map(Number);

if (processes > 1 && cluster.isPrimary) {
  for (let started = 0; started < processes; started += 1) cluster.fork();
  cluster.on('exit', (worker) => {
    console.error(`worker ${worker.process.pid} ended`);
    process.exit(1);
  });
  process.on('SIGTERM', () => process.exit(0));
} else {
  const pool = new pg.Pool({ ...connection, max: Math.ceil(connections / processes), idleTimeoutMillis: 0 });
  const provider = createProvider(adapterOn(pool), client);
  provider.on('server_error', (ctx, error) => console.error(error));
  provider.listen(port, '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
}
