/** Tells what went wrong with Redis, in its own words; never its address, which may hold a password. */
export function describeFailure(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describeFailure(error.errors[0])
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  return error.message || code || error.name
}

/** Whether a reason is that the server belongs to a cluster and has only some of the keys. */
export function isRedirection(reason: string): boolean {
  return /^(MOVED|ASK) /.test(reason)
}

/** Tells what to do about a reason. */
export function adviceFor(reason: string): string {
  if (isRedirection(reason)) {
    return 'It is one server of a cluster, and the simulator needs an endpoint that has all keys: a Redis without clustering, or a cluster behind a proxy (on Azure Managed Redis the cluster policy Enterprise)'
  }
  if (/certificate|altnames/i.test(reason)) {
    return 'Put the file of the authority that has signed its certificate into NODE_EXTRA_CA_CERTS, and call it in REDIS_URL by a name of the certificate'
  }
  if (/^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH)/.test(reason)) {
    return 'Correct user and password in REDIS_URL, percent-encoded, and what the user may do (docs/many-machines.md)'
  }
  return 'Start it, or correct REDIS_URL'
}
