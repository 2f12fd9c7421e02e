import { textBody } from '../../answer/body.ts'
import { totalTokens, type Usage } from '../../answer/completion.ts'
import type { Addressed } from '../../pipeline/exchange.ts'
import { jsonOfModel, modelReply, refuse } from '../../pipeline/reply-headers.ts'
import type { ReplyOrPromise } from '../../pipeline/stage.ts'
import { ResponseIds } from '../../wire/responses/response-ids.ts'
import { inputTooLong } from '../../wire/responses/responses-errors.ts'
import { responsesPromptFiltered } from '../../wire/responses/response-filters.ts'
import { isMessage, type ResponsesItem, type ResponsesMessage } from '../../wire/responses/responses-item.ts'
import { writeJson } from '../../wire/responses/write-json.ts'
import { parseCompactRequest } from '../../wire/responses/validate-responses.ts'
import type { PromptCache } from '../prompt-cache.ts'
import { useCache } from '../cached-prompt.ts'
import { readableTexts } from '../completion-task.ts'
import { judgeContent } from '../content-filter.ts'
import { chatOf, ownTokens, withCountedInput } from './create-response.ts'
import { drawEncrypted, drawSummaryTokens } from './draw-items.ts'
import type { ResponseArchive } from './response-archive.ts'

/**
 * Creates the generator of `responses/compact`: the messages of the user, then one item with the encrypted summary of the conversation
 * (OpenAI's reference, "Compact a response", 2026; Microsoft Learn, "Compact conversation"). A later request with the summary is billed
 * the tokens of the summary.
 */
export function createConversationCompactor(store: ResponseArchive) {
  return function compactConversation(exchange: Addressed, promptCache: PromptCache): ReplyOrPromise {
    const { deployment, clock, random } = exchange
    const { model } = deployment
    const parsed = parseCompactRequest(exchange.json, model)
    if (!parsed.ok) return refuse(parsed.error)
    const { request } = parsed
    return withCountedInput(exchange, request, store, (input, counter) => {
      const promptTokens = input.historyTokens + ownTokens(request, input, model, counter)
      if (promptTokens >= model.contextTokens) return refuse(inputTooLong())
      const chat = chatOf(request, input, model)
      const verdict = judgeContent(readableTexts(chat), exchange.config, exchange.forced)
      if (verdict.kind === 'prompt') {
        return refuse(responsesPromptFiltered({ request, items: input.items }, verdict.category))
      }
      const { read: cached } = useCache(exchange, deployment, chat, promptTokens, promptCache)
      const summaryTokens = exchange.forced?.tokens ?? drawSummaryTokens(random)
      const completionTokens = Math.min(summaryTokens, model.maxOutputTokens)
      const usage: Usage = { promptTokens, cachedTokens: cached, completionTokens, reasoningTokens: 0 }
      const epochSeconds = Math.floor(clock.epochMs() / 1_000)
      const ids = new ResponseIds(random)
      const nextId = (kind: 'resp' | 'msg' | 'cmp'): string => ids.next(kind, epochSeconds)
      const body = {
        id: nextId('resp'),
        object: 'response.compaction',
        created_at: epochSeconds,
        output: [
          ...userMessages(input.items).map((message) => keptMessage(message, nextId('msg'))),
          {
            id: nextId('cmp'),
            type: 'compaction',
            encrypted_content: drawEncrypted(random, completionTokens, exchange.config.id),
          },
        ],
        usage: {
          input_tokens: promptTokens,
          input_tokens_details: { cached_tokens: cached },
          output_tokens: completionTokens,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: totalTokens(usage),
        },
      }
      const steps = { hidden: 0, visible: completionTokens }
      return modelReply(jsonOfModel, textBody(writeJson(body, 'pretty')), usage, steps)
    })
  }
}

function userMessages(items: readonly ResponsesItem[]): ResponsesMessage[] {
  return items.filter(isMessage).filter(({ role }) => role === 'user')
}

function keptMessage({ content }: ResponsesMessage, id: string): object {
  const parts = typeof content === 'string' ? [{ type: 'input_text', text: content }] : content
  return { id, type: 'message', status: 'completed', content: parts, role: 'user' }
}
