import { createRandom, type Random } from '../lib/random.ts'
import { DEFAULT_SIZE, type LoadOperation, type LoadPlan } from './load-plan.ts'
import { drawSize, workloadShapes, type RequestSize } from './workload-shapes.ts'

/** The last part of the path of each operation. */
const paths: Readonly<Record<LoadOperation, string>> = {
  chat: 'chat/completions',
  completions: 'completions',
  embeddings: 'embeddings',
  responses: 'responses',
}

/** Returns the URL of the requests of a plan. */
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
 * Returns a function that makes the body of the next request. Sizes are the same in each run, so that runs are comparable. Texts
 * differ, so that no prompt cache serves them.
 */
export function createBodies(plan: LoadPlan): () => string {
  const sizes = createRandom('sizes')
  const texts = createRandom(plan.promptSeed)
  return () => JSON.stringify(bodyOf(plan, sizeOf(plan, sizes), texts))
}

function sizeOf({ workload, promptTokens, maxTokens }: LoadPlan, random: Random): RequestSize {
  const drawn = workload ? drawSize(workloadShapes[workload], random) : DEFAULT_SIZE
  return {
    promptTokens: promptTokens ?? drawn.promptTokens,
    outputTokens: maxTokens ?? drawn.outputTokens,
  }
}

/** Tokens that a chat adds to one message: three for the reply, three for the message, one for its role. */
const CHAT_OVERHEAD_TOKENS = 7

/** The smallest `max_output_tokens` that the service accepts. */
const MIN_RESPONSE_TOKENS = 16

function bodyOf(plan: LoadPlan, { promptTokens, outputTokens }: RequestSize, random: Random): object {
  const { operation, deployment, apiVersion, isStream } = plan
  const isV1 = usesV1(operation, apiVersion)
  const isChat = operation === 'chat' || operation === 'responses'
  const prompt = makePrompt(Math.max(1, promptTokens - (isChat ? CHAT_OVERHEAD_TOKENS : 0)), random)
  const model = isV1 ? { model: deployment } : {}
  const usage = isStream ? { stream: true, stream_options: { include_usage: true } } : {}
  const bodies: Readonly<Record<LoadOperation, object>> = {
    chat: {
      ...model,
      messages: [{ role: 'user', content: prompt }],
      // Reasoning models require the newer name. Older dated versions accept only the older one.
      [isV1 ? 'max_completion_tokens' : 'max_tokens']: outputTokens,
      ...usage,
    },
    completions: { ...model, prompt, max_tokens: outputTokens, ...usage },
    embeddings: { ...model, input: prompt, encoding_format: 'base64' },
    responses: {
      ...model,
      input: prompt,
      max_output_tokens: Math.max(MIN_RESPONSE_TOKENS, outputTokens),
      store: false,
      ...(isStream && { stream: true }),
    },
  }
  return bodies[operation]
}

function usesV1(operation: LoadOperation, apiVersion: string): boolean {
  return operation === 'responses' || apiVersion === 'v1'
}

/** Common words. With a leading space, each is one token in cl100k_base and o200k_base. */
const words =
  'time year people way day man thing woman life child world school state family student group country problem hand part place case week company system program question work government number night point home water room mother area money story fact month lot right study book eye job word business issue side kind head house service friend father power hour game line end member law car city community name president team minute idea body information back parent face others level office door health person art war history party result change morning reason research girl guy moment air teacher force education'.split(
    ' ',
  )

/**
 * Makes a text with a number of tokens, at least 1. It starts with a random number and a random word, so that prompts share no prefix
 * that a service could serve from its prompt cache.
 */
export function makePrompt(tokens: number, random: Random): string {
  const start = random.below(words.length)
  const text = Array.from({ length: tokens - 1 }, (_, index) => words[(start + index * 7) % words.length])
  // A number of up to three digits is one token in both encodings.
  return [String(random.below(1_000)), ...text].join(' ')
}
