// What the benchmark passes on: connection and client in the environment, nothing secret in the arguments.

const { env } = process;

export const connection = {
  host: env.BENCH_PEER_HOST,
  port: Number(env.BENCH_PEER_PORT),
  user: env.BENCH_PEER_USER,
  password: env.BENCH_PEER_PASSWORD,
  database: env.BENCH_PEER_DATABASE,
};

export const client = {
  clientId: env.BENCH_PEER_CLIENT,
  clientSecret: env.BENCH_PEER_SECRET,
  redirectUri: env.BENCH_PEER_REDIRECT_URI,
  resource: env.BENCH_PEER_RESOURCE,
};
