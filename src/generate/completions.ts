import type { Deployment } from '../config/deployments.ts'
import { promptLengthExceeded } from '../openai/error-context-length.ts'
import { completionId } from '../openai/ids.ts'
import { countInput, splitInputs } from '../openai/prompt-tokens.ts'
import { parseCompletionsRequest } from '../openai/requests/parse-request.ts'
import { eventStreamType } from '../openai/sse.ts'
import { errorReply } from '../pipeline/error-reply.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { deploymentHeaders } from '../pipeline/reply-headers.ts'
import type { Reply } from '../pipeline/reply.ts'
import { loadEncoding } from '../tokens/encoding.ts'
import { complete } from './complete.ts'
import { completionSteps } from './completion.ts'
import { renderCompletion, streamCompletion, type CompletionFacts } from './render-completion.ts'

/** The service's own default; a legacy completion that asks for nothing is nearly always cut. */
const defaultMaxTokens = 16

/** What the service takes for a prompt when there is none: the start of a document. */
const emptyPrompt = '<|endoftext|>'

/** Answers a legacy completion with lorem text: `n` choices for each prompt. */
export function generateCompletion(exchange: Exchange, deployment: Deployment): Reply {
  const { model } = deployment
  const parsed = parseCompletionsRequest(exchange.json, model)
  if (!parsed.ok) return errorReply(exchange, parsed.error)
  const { request } = parsed

  const encoding = loadEncoding(model.encoding)
  const prompts = splitInputs(request.prompt ?? emptyPrompt)
  const promptLengths = prompts.map((prompt) => (prompt === emptyPrompt ? 1 : countInput(prompt, encoding)))
  const longest = Math.max(...promptLengths)
  const requestedTokens = request.max_tokens ?? defaultMaxTokens
  const { contextTokens } = model
  if (longest + requestedTokens > contextTokens) {
    const lengths = { contextTokens, promptTokens: longest, completionTokens: requestedTokens }
    return errorReply(exchange, promptLengthExceeded(lengths))
  }

  const promptTokens = promptLengths.reduce((sum, length) => sum + length, 0)
  const completion = complete(
    {
      promptTokens,
      cachedTokens: 0,
      count: prompts.length * (request.n ?? 1),
      requestedTokens,
      tools: [],
      toolChoice: { kind: 'none' },
      parallelToolCalls: false,
      afterToolResult: false,
      format: { kind: 'text' },
      stop: [],
      reasoningEffort: undefined,
    },
    model,
    exchange.random,
    exchange.config,
  )
  const { usage } = completion
  const facts: CompletionFacts = {
    id: completionId(exchange.random),
    created: Math.floor(exchange.clock.epochMs() / 1000),
    model: model.versionedName,
    promptCount: prompts.length,
  }
  const steps = completionSteps(completion)

  if (!request.stream) {
    const headers = deploymentHeaders(exchange, 'application/json')
    const body = { kind: 'whole', render: () => renderCompletion(completion, facts) } as const
    return { status: 200, headers, body, usage, steps }
  }
  const headers = deploymentHeaders(exchange, eventStreamType, { chunked: true })
  const body = streamCompletion(completion, facts, request.stream_options?.include_usage === true)
  return { status: 200, headers, body, usage, steps }
}
