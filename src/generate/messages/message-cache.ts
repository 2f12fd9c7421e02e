import type { Deployment } from '../../config/deployments.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import type { MessagesRequest } from '../../wire/messages/messages-request.ts'
import type { PromptSegment } from '../../wire/messages/prompt-segments.ts'
import { claudeTraits } from '../../wire/models/claude-traits.ts'
import { reachesCache } from '../cached-prompt.ts'
import type { Breakpoint, MarkedUse, PromptCache } from '../prompt-cache.ts'

const noUse: MarkedUse = { read: 0, written: 0, writtenForHour: 0 }

/** Stores the prefixes of a prompt up to its breakpoints. Returns how many tokens were read from the cache and written to it. */
export function useMessageCache(
  exchange: Exchange,
  deployment: Deployment,
  { output_config: output }: MessagesRequest,
  segments: readonly PromptSegment[],
  promptCache: PromptCache,
): MarkedUse {
  const breakpoints = breakpointsOf(segments)
  if (breakpoints.length === 0) return noUse
  const sums = sumsOf(segments)
  const prompt = {
    resource: exchange.config.id,
    deployment: deployment.name,
    key: `messages ${output?.effort ?? ''}`,
    texts: segments.map(({ text }) => text),
    breakpoints,
    minTokens: claudeTraits(deployment.model).minCachedTokens,
    isEnd: (end: number) => segments[end - 1]?.isBlock === true,
    tokensOf: (end: number) => Math.round(sums[end] ?? 0),
  }
  return promptCache.useMarked(prompt, exchange.clock.nowMs(), reachesCache(exchange, deployment))
}

function breakpointsOf(segments: readonly PromptSegment[]): readonly Breakpoint[] {
  return segments.flatMap(({ control }, index) =>
    control ? [{ end: index + 1, retention: control.ttl ?? '5m' }] : [],
  )
}

/** Tokens of each number of segments. */
function sumsOf(segments: readonly PromptSegment[]): Float64Array {
  const sums = new Float64Array(segments.length + 1)
  for (const [index, { tokens }] of segments.entries()) sums[index + 1] = (sums[index] ?? 0) + tokens
  return sums
}
