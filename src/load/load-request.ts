import { createRandom, type Random } from '../lib/random.ts'
import { defaultSize, type LoadOperation, type LoadPlan } from './load-plan.ts'
import { drawSize, workloadShapes, type RequestSize } from './workload-shapes.ts'

/** The path of each operation behind its prefix. */
const paths: Readonly<Record<LoadOperation, string>> = {
  chat: 'chat/completions',
  completions: 'completions',
  embeddings: 'embeddings',
  responses: 'responses',
}

/** Where the requests of a plan go. */
export function loadAddress({ url, deployment, operation, apiVersion }: LoadPlan): URL {
  const prefix = url.pathname.replace(/\/+$/, '')
  return usesV1(operation, apiVersion)
    ? new URL(`${prefix}/openai/v1/${paths[operation]}`, url)
    : new URL(
        `${prefix}/openai/deployments/${encodeURIComponent(deployment)}/${paths[operation]}?api-version=${encodeURIComponent(apiVersion)}`,
        url,
      )
}

/**
 * Gives the body of the next request at each call. The sizes are the same in each run, so that two runs can be compared; the texts
 * are not, so that the second does not meet the first one's in a cache.
 */
export function createBodies(plan: LoadPlan): () => string {
  const sizes = createRandom('sizes')
  const texts = createRandom(plan.promptSeed)
  return () => JSON.stringify(bodyOf(plan, sizeOf(plan, sizes), texts))
}

function sizeOf({ workload, promptTokens, maxTokens }: LoadPlan, random: Random): RequestSize {
  const drawn = workload ? drawSize(workloadShapes[workload], random) : defaultSize
  return {
    promptTokens: promptTokens ?? drawn.promptTokens,
    outputTokens: maxTokens ?? drawn.outputTokens,
  }
}

/** What a chat adds to one message: three tokens for the reply, three for the message, one for its role. */
const chatOverhead = 7

function bodyOf(plan: LoadPlan, { promptTokens, outputTokens }: RequestSize, random: Random): object {
  const { operation, deployment, apiVersion, isStream } = plan
  const isV1 = usesV1(operation, apiVersion)
  const isChat = operation === 'chat' || operation === 'responses'
  const prompt = makePrompt(Math.max(1, promptTokens - (isChat ? chatOverhead : 0)), random)
  const model = isV1 ? { model: deployment } : {}
  const usage = isStream ? { stream: true, stream_options: { include_usage: true } } : {}
  const bodies: Readonly<Record<LoadOperation, object>> = {
    chat: {
      ...model,
      messages: [{ role: 'user', content: prompt }],
      // The newer name is what reasoning models insist on; older dated versions know only the older one.
      [isV1 ? 'max_completion_tokens' : 'max_tokens']: outputTokens,
      ...usage,
    },
    completions: { ...model, prompt, max_tokens: outputTokens, ...usage },
    embeddings: { ...model, input: prompt, encoding_format: 'base64' },
    responses: {
      ...model,
      input: prompt,
      // The service takes no less.
      max_output_tokens: Math.max(16, outputTokens),
      store: false,
      ...(isStream && { stream: true }),
    },
  }
  return bodies[operation]
}

function usesV1(operation: LoadOperation, apiVersion: string): boolean {
  return operation === 'responses' || apiVersion === 'v1'
}

/** Common words, each of which is one token behind a space in cl100k_base and o200k_base. */
const words =
  'time year people way day man thing woman life child world school state family student group country problem hand part place case week company system program question work government number night point home water room mother area money story fact month lot right study book eye job word business issue side kind head house service friend father power hour game line end member law car city community name president team minute idea body information back parent face others level office door health person art war history party result change morning reason research girl guy moment air teacher force education'.split(
    ' ',
  )

/**
 * A text of a number of tokens, 1 or more. It begins at a random word and with another number each time, so that no two prompts are
 * the same from the beginning: a service would serve their prefixes from its cache otherwise.
 */
export function makePrompt(tokens: number, random: Random): string {
  const start = random.below(words.length)
  const text = Array.from({ length: tokens - 1 }, (_, index) => words[(start + index * 7) % words.length])
  // Up to three digits are one token in both encodings.
  return [String(random.below(1_000)), ...text].join(' ')
}
