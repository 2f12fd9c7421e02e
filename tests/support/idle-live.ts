import type { Live } from '../../src/server/admin/live-stats.ts'

const noTimes = { planned: null, achieved: null }

/** A deployment without requests and limits, for tests. */
export const idleLive: Live = {
  requests: 0,
  errors: 0,
  by_status: {},
  active: 0,
  streams: 0,
  queue: 0,
  tokens: { prompt: 0, completion: 0, reasoning: 0, cached: 0 },
  rate_limited: { tokens: 0, requests: 0, capacity: 0 },
  client_disconnects: 0,
  faults: {},
  limits: null,
  slots: null,
  window: {
    requests_per_second: 0,
    tokens_per_second: 0,
    prompt_tokens_per_second: 0,
    completion_tokens_per_second: 0,
    rate_limited_per_second: 0,
    errors_per_second: 0,
    latency_ms: null,
    first_token_ms: noTimes,
    between_tokens_ms: noTimes,
  },
}
