/** One kind of request whose throughput is compared. */
export interface BenchCase {
  readonly name: string
  readonly path: string
  readonly status: number
  /** The request body is `prefix + suffix`, or `prefix + number + ' ' + text + suffix` where there are texts. */
  readonly prefix: string
  readonly suffix: string
  readonly texts: readonly string[]
}

/** Deployments of the simulator under test: one that never refuses, one that always does, one for embeddings. */
export const deployments = {
  open: { model: 'gpt-4o', tokensPerMinute: 1_000_000_000_000, requestsPerMinute: 1_000_000_000_000 },
  full: { model: 'gpt-4o', tokensPerMinute: 100 },
  embedding: {
    model: 'text-embedding-3-small',
    tokensPerMinute: 1_000_000_000_000,
    requestsPerMinute: 1_000_000_000_000,
    embeddingSize: 1536,
  },
}

const apiVersion = '2024-10-21'
const prompt =
  'You are given the notes of a meeting. Write a short summary for somebody who was not there: what was decided, ' +
  'who does what until when, and which questions stay open. Keep to the words of the notes where you can, leave out ' +
  'small talk, and do not guess. The notes: the team looked at the plan for the next quarter, agreed to move the ' +
  'launch by two weeks, and asked for numbers on support cost before the end of the month.'

const words =
  'time year people way day man thing woman life child world school state family student group country problem hand part place case week company system program question work government number night point home water room mother area money story fact month lot right study book eye job word business issue side kind head house service friend father power hour game line end member law car city community name president team minute idea body information back parent face others level office door health person art war history party result change morning reason research girl guy moment air teacher force education'.split(
    ' ',
  )

/** Texts of 80 words each, the same in every run. A number before each makes every prompt a new one. */
function makeTexts(count: number): string[] {
  let state = 1
  const next = () => (state = (state * 48_271) % 2_147_483_647) // Lehmer's generator, with Park and Miller's factor.
  const word = () => words[next() % words.length] ?? ''
  return Array.from({ length: count }, () => Array.from({ length: 80 }, word).join(' '))
}

function chatCase(
  name: string,
  deployment: string,
  options: object,
  texts: readonly string[] = [],
): BenchCase {
  const [prefix = '', suffix = ''] = JSON.stringify({
    messages: [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content: texts.length > 0 ? '@' : `@${prompt}` },
    ],
    ...options,
  }).split('@')
  const path = `/openai/deployments/${deployment}/chat/completions?api-version=${apiVersion}`
  return { name, path, status: deployment === 'full' ? 429 : 200, prefix, suffix, texts }
}

export const cases: readonly BenchCase[] = [
  chatCase('chat, whole, one prompt', 'open', { max_tokens: 50 }),
  chatCase('chat, whole, new prompts', 'open', { max_tokens: 50 }, makeTexts(512)),
  chatCase('chat, streamed, no delay', 'open', { max_tokens: 50, stream: true }),
  {
    name: 'embeddings, base64, 1,536',
    path: `/openai/deployments/embedding/embeddings?api-version=${apiVersion}`,
    status: 200,
    prefix: JSON.stringify({ input: prompt, encoding_format: 'base64' }),
    suffix: '',
    texts: [],
  },
  chatCase('chat, refused with 429', 'full', { max_tokens: 50 }),
]
