// A gateway that sends each request to the first region that accepts it. A region that answers 429 or 503 pauses for its retry-after.
// Start: node examples/two-regions/gateway.js
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const {
  EAST_URL = 'http://127.0.0.1:8000/east',
  WEST_URL = 'http://127.0.0.1:8000/west',
  PORT = '8900',
} = process.env

/** In the order of preference. */
const regions = [
  { name: 'east', url: EAST_URL, key: process.env.EAST_KEY ?? 'east-secret', pausedUntilMs: 0 },
  { name: 'west', url: WEST_URL, key: process.env.WEST_KEY ?? 'west-secret', pausedUntilMs: 0 },
]

/** Longer waits are about one request, which is larger than the limit. They do not pause the region. */
const MAX_PAUSE_MS = 60_000
const DEFAULT_PAUSE_MS = 1_000

/** Sends a request to the regions in order. Returns the last refusal if no region accepts it. */
async function forward({ method, url, headers }, body) {
  let refusal
  for (const region of regions) {
    if (region.pausedUntilMs > Date.now()) continue
    await refusal?.body?.cancel()
    const contentType = headers['content-type'] ?? 'application/json'
    const sent = {
      method,
      headers: { 'api-key': region.key, 'content-type': contentType },
      body: body.length > 0 ? body : undefined,
    }
    refusal = await fetch(region.url + url, sent).catch(() => undefined)
    if (refusal && refusal.status !== 429 && refusal.status !== 503) return refusal
    const pauseMs = waitOf(refusal)
    if (pauseMs <= MAX_PAUSE_MS) region.pausedUntilMs = Date.now() + pauseMs
  }
  return refusal ?? allPaused()
}

/** The wait in the headers of a refusal, in milliseconds. */
function waitOf(refusal) {
  const ms = Number(refusal?.headers.get('retry-after-ms') ?? NaN)
  const seconds = Number(refusal?.headers.get('retry-after') ?? NaN)
  return [ms, seconds * 1_000].find((wait) => wait >= 0) ?? DEFAULT_PAUSE_MS
}

function allPaused() {
  const waitMs = Math.max(1, Math.min(...regions.map(({ pausedUntilMs }) => pausedUntilMs)) - Date.now())
  const error = {
    code: '429',
    message: `All regions are busy. Retry after ${Math.ceil(waitMs / 1_000)} seconds.`,
  }
  const headers = { 'retry-after': String(Math.ceil(waitMs / 1_000)), 'retry-after-ms': String(waitMs) }
  return Response.json({ error }, { status: 429, headers })
}

/** Headers of the region for the client. The others belong to the connection with the region. */
const passed = /^(?:content-type|retry-after|retry-after-ms|apim-request-id|x-ms-.*|x-ratelimit-.*)$/

const server = createServer(async (request, response) => {
  try {
    const body = Buffer.concat(await request.toArray())
    const answer = await forward(request, body)
    response.writeHead(
      answer.status,
      Object.fromEntries([...answer.headers].filter(([name]) => passed.test(name))),
    )
    await pipeline(Readable.fromWeb(answer.body ?? new Response('').body), response)
  } catch {
    // The client or the region has disconnected during the answer.
    response.destroy()
  }
})

server.listen(Number(PORT), '127.0.0.1', () => {
  process.stdout.write(`Gateway: http://127.0.0.1:${server.address().port}\n`)
})
