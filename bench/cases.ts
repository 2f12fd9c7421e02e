import { makeQuestions, makeTexts, repeatedPrompt, textOf } from './prompts.ts'

/** A kind of request to compare the throughput of. */
export interface BenchCase {
  readonly name: string
  readonly path: string
  readonly status: number
  /** The request body is `prefix + suffix`, or `prefix + text + suffix` for each of the texts in order. */
  readonly prefix: string
  readonly suffix: string
  readonly texts: readonly string[]
  /** Whether each text starts with a unique number, so that each request is new. */
  readonly numbered: boolean
  /** Whether the simulator replays a recording of each text. Otherwise it generates. */
  readonly replay: boolean
  /** Number of resources with ten deployments each, to which the requests go one after another. `{resource}` in the path is their number. */
  readonly resources?: number
  /** Whether a client reads the live events in every other round, as the control room does. */
  readonly readsEvents?: boolean
  /** The case that a check compares with, in the same run. Absent: the stored result. */
  readonly comparedWith?: string
  /** Fixtures for an equivalent answer of aimock; absent if aimock does not support the case. */
  readonly aimockFixtures?: () => readonly object[]
}

/** The number of resources of the case with many, with ten deployments each. */
export const manyResources = 1_000

/** Deployments of the simulator: one without a limit, one that always rejects, and one for embeddings. */
export const deployments = {
  open: { model: 'gpt-4o', tokensPerMinute: 2_000_000_000, requestsPerMinute: 2_000_000_000 },
  full: { model: 'gpt-4o', tokensPerMinute: 100 },
  embedding: {
    model: 'text-embedding-3-small',
    tokensPerMinute: 2_000_000_000,
    requestsPerMinute: 2_000_000_000,
    embeddingSize: 1536,
  },
}

const apiVersion = '2024-10-21'
const tokens = 50
const answer = { content: textOf(tokens) }
const answersAll = (): readonly object[] => [{ match: { model: 'open' }, response: answer }]

/** Returns the URL path of chat requests to a deployment. */
export const chatPath = (deployment: string): string =>
  `/openai/deployments/${deployment}/chat/completions?api-version=${apiVersion}`

interface ChatOptions {
  readonly body?: object
  readonly texts?: readonly string[]
  readonly numbered?: boolean
  readonly replay?: boolean
  readonly aimockFixtures?: () => readonly object[]
}

function chatCase(name: string, deployment: keyof typeof deployments, options: ChatOptions = {}): BenchCase {
  const { body, texts = [], numbered = false, replay = false, aimockFixtures = answersAll } = options
  const [prefix = '', suffix = ''] = JSON.stringify({
    messages: [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content: texts.length > 0 ? '@' : `@${repeatedPrompt}` },
    ],
    max_tokens: tokens,
    ...body,
  }).split('@')
  const status = deployment === 'full' ? 429 : 200
  return { name, path: chatPath(deployment), status, prefix, suffix, texts, numbered, replay, aimockFixtures }
}

const onePrompt = chatCase('chat, whole, one prompt', 'open')

const { aimockFixtures: _, ...withoutPeer } = onePrompt

/** The first case with resources. Both cases have the same work for the load generator, which changes each path. */
const inOneResource: BenchCase = {
  ...withoutPeer,
  name: 'chat, 1 resource',
  path: `/resource-{resource}${onePrompt.path}`,
  resources: 1,
}

/** The same with 1,000 resources and 10,000 deployments. A request should cost the same. */
const inManyResources: BenchCase = {
  ...inOneResource,
  name: 'chat, 1,000 resources',
  resources: manyResources,
  comparedWith: inOneResource.name,
}

/** The same with a reader of `GET /++/events`. */
const withControlRoom: BenchCase = {
  ...withoutPeer,
  name: 'chat, control room open',
  readsEvents: true,
  comparedWith: onePrompt.name,
}

/** @param count number of recordings, one for each question */
export function replayCase(count: number): BenchCase {
  const texts = makeQuestions(count)
  return chatCase(`replay of ${count.toLocaleString('en-US')}`, 'open', {
    texts,
    replay: true,
    aimockFixtures: () => texts.map((userMessage) => ({ match: { userMessage }, response: answer })),
  })
}

function embeddingsCase(encoding: 'base64' | 'float'): BenchCase {
  const embedding = Array.from({ length: deployments.embedding.embeddingSize }, (_, index) => Math.sin(index))
  // aimock answers base64 requests with a list, which is a different amount of work.
  const aimockFixtures = () => [{ match: { endpoint: 'embedding' }, response: { embedding } }]
  return {
    name: `embeddings, ${encoding}, 1,536`,
    path: `/openai/deployments/embedding/embeddings?api-version=${apiVersion}`,
    status: 200,
    prefix: JSON.stringify({ input: repeatedPrompt, encoding_format: encoding }),
    suffix: '',
    texts: [],
    numbered: false,
    replay: false,
    ...(encoding === 'float' ? { aimockFixtures } : {}),
  }
}

const refusal = {
  match: { model: 'full' },
  response: { error: { message: 'Too many requests', type: 'too_many_requests', code: '429' }, status: 429 },
}

/** The cases of `make bench`, in table order. */
export const cases: readonly BenchCase[] = [
  onePrompt,
  withControlRoom,
  inOneResource,
  inManyResources,
  chatCase('chat, whole, new prompts', 'open', { texts: makeTexts(512), numbered: true }),
  chatCase('chat, streamed, no delay', 'open', { body: { stream: true } }),
  embeddingsCase('float'),
  embeddingsCase('base64'),
  chatCase('chat, refused with 429', 'full', { aimockFixtures: () => [refusal] }),
  replayCase(1_000),
  replayCase(100_000),
]
