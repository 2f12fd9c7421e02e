import { readFileSync } from 'node:fs'

const key = process.env.SIMULATOR_API_KEY ?? ''
const deployment = process.env.LOAD_DEPLOYMENT ?? 'gpt-4o'
const shapes = JSON.parse(readFileSync(new URL('workloads.json', import.meta.url), 'utf8'))
const shape = shapes[process.env.LOAD_WORKLOAD ?? 'conversation']
if (!shape) throw new Error(`LOAD_WORKLOAD is one of ${Object.keys(shapes).join(', ')}.`)

const TIMEOUT_MS = 60_000

/**
 * Sends one request of a virtual user. Metrics: `chat.first_token`, `chat.gap`, `chat.whole` and `chat.retry_after` in
 * milliseconds; `chat.ok`, `chat.429`, `chat.failed` and `chat.interrupted` as counts.
 */
export async function askForStream(context, events) {
  const startedAt = performance.now()
  const count = (name) => events.emit('counter', `chat.${name}`, 1)
  const measure = (name, ms) => events.emit('histogram', `chat.${name}`, ms)
  let response
  try {
    response = await fetch(
      `${context.vars.target}/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'api-key': key },
        body: JSON.stringify({
          messages: [{ role: 'user', content: promptOf(draw(shape.promptTokens)) }],
          max_tokens: draw(shape.outputTokens),
          stream: true,
          stream_options: { include_usage: true },
        }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
    )
  } catch (error) {
    events.emit('error', error.cause?.code ?? error.name)
    return count('failed')
  }
  if (response.status === 429) {
    await response.body?.cancel()
    const ms = Number(
      response.headers.get('retry-after-ms') ?? Number(response.headers.get('retry-after')) * 1_000,
    )
    if (ms > 0) measure('retry_after', ms)
    return count('429')
  }
  if (response.status !== 200) {
    await response.body?.cancel()
    events.emit('error', `status ${response.status}`)
    return count('failed')
  }
  try {
    await readStream(response.body, startedAt, measure)
  } catch (error) {
    events.emit('error', `interrupted: ${error.message}`)
    return count('interrupted')
  }
  measure('whole', performance.now() - startedAt)
  return count('ok')
}

/** Reads a stream to its last event. */
async function readStream(body, startedAt, measure) {
  let rest = ''
  let lastMs
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      if (line.trimEnd() === 'data: [DONE]') return
      if (!line.startsWith('data: ')) continue
      const { error, choices = [] } = JSON.parse(line.slice('data: '.length))
      if (error) throw new Error(error.message)
      if (!choices.some(({ delta }) => delta?.content)) continue
      const nowMs = performance.now()
      if (lastMs === undefined) measure('first_token', nowMs - startedAt)
      else measure('gap', nowMs - lastMs)
      lastMs = nowMs
    }
  }
  throw new Error('the stream ended without its last event')
}

/** Draws from a distribution by log-linear interpolation between its points. */
function draw(knots) {
  const share = Math.random()
  const above = Math.max(
    1,
    knots.findIndex((knot) => knot.share >= share),
  )
  const [from, to] = [knots[above - 1], knots[above]]
  const way = (share - from.share) / (to.share - from.share)
  return Math.max(1, Math.round(from.tokens * (to.tokens / from.tokens) ** way))
}

/** About one token a word. A random first word prevents prompt caching. */
function promptOf(tokens) {
  const words = ['time', 'year', 'people', 'way', 'day', 'man', 'thing', 'woman', 'life', 'child', 'world']
  const start = Math.floor(Math.random() * 1_000)
  const text = Array.from({ length: tokens }, (_, index) => words[(start + index) % words.length])
  return [start, ...text].join(' ')
}
