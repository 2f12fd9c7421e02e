// Load test of chat completions with k6: complete responses, 429s separate from failures, first byte of streams.
//
// k6's http module returns only complete responses, so it measures the first byte (timings.waiting) but no gaps between tokens.
// For gaps, use the Locust or Artillery kit, `aoai-sim load --stream`, or k6 with the extension xk6-sse.
import http from 'k6/http'
import { check } from 'k6'
import { Counter, Trend } from 'k6/metrics'

const url = __ENV.LOAD_URL || 'http://127.0.0.1:8000'
const deployment = __ENV.LOAD_DEPLOYMENT || 'gpt-4o'
const isStream = __ENV.LOAD_STREAM === '1'
const shapes = JSON.parse(open('./workloads.json'))
const shape = shapes[__ENV.LOAD_WORKLOAD || 'conversation']
if (!shape) throw new Error(`LOAD_WORKLOAD is one of ${Object.keys(shapes).join(', ')}.`)

export const options = {
  scenarios: {
    chat: {
      // Open loop: a fixed number of new requests a second.
      executor: 'constant-arrival-rate',
      rate: Number(__ENV.LOAD_RATE || 5),
      timeUnit: '1s',
      duration: `${__ENV.LOAD_SECONDS || 10}s`,
      preAllocatedVUs: 50,
      maxVUs: 200,
    },
  },
  // http_req_duration includes the fast 429s. Use chat_whole_ms instead.
  thresholds: { http_req_failed: ['rate<0.01'] },
}

// A 429 is an expected response, not a failure.
http.setResponseCallback(http.expectedStatuses(200, 429))

const wholeMs = new Trend('chat_whole_ms', true)
const firstByteMs = new Trend('chat_first_byte_ms', true)
const retryAfterMs = new Trend('chat_retry_after_ms', true)
const limited = new Counter('chat_429')
const interrupted = new Counter('chat_interrupted')
const tokensIn = new Counter('chat_tokens_in')
const tokensOut = new Counter('chat_tokens_out')

// oxlint-disable-next-line import/no-default-export -- required by k6
export default function () {
  const body = {
    messages: [{ role: 'user', content: promptOf(draw(shape.promptTokens)) }],
    max_tokens: draw(shape.outputTokens),
    ...(isStream && { stream: true, stream_options: { include_usage: true } }),
  }
  const response = http.post(
    `${url}/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`,
    JSON.stringify(body),
    {
      headers: { 'content-type': 'application/json', 'api-key': __ENV.SIMULATOR_API_KEY },
      tags: { name: 'chat' },
      timeout: '60s',
    },
  )
  if (response.status === 429) {
    limited.add(1)
    const wait = response.headers['Retry-After-Ms'] || Number(response.headers['Retry-After']) * 1000
    if (wait) retryAfterMs.add(Number(wait))
    return
  }
  if (!check(response, { 'is 200': ({ status }) => status === 200 })) return
  wholeMs.add(response.timings.duration)
  if (isStream) {
    firstByteMs.add(response.timings.waiting)
    if (!response.body.includes('data: [DONE]')) interrupted.add(1)
  }
  tokensIn.add(numberAfter('"prompt_tokens":', response.body))
  tokensOut.add(numberAfter('"completion_tokens":', response.body))
}

function numberAfter(mark, text) {
  const at = text.lastIndexOf(mark)
  return at < 0 ? 0 : parseInt(text.slice(at + mark.length), 10)
}

/** Draws from a distribution by log-linear interpolation between its points. */
function draw(knots) {
  const share = Math.random()
  const above = Math.max(
    1,
    knots.findIndex((knot) => knot.share >= share),
  )
  const from = knots[above - 1]
  const to = knots[above]
  const way = (share - from.share) / (to.share - from.share)
  return Math.max(1, Math.round(from.tokens * (to.tokens / from.tokens) ** way))
}

/** About one token a word. A random first word prevents prompt caching. */
function promptOf(tokens) {
  const words = ['time', 'year', 'people', 'way', 'day', 'man', 'thing', 'woman', 'life', 'child', 'world']
  const start = Math.floor(Math.random() * 1000)
  return `${start} ${Array.from({ length: tokens }, (_, index) => words[(start + index) % words.length]).join(' ')}`
}
