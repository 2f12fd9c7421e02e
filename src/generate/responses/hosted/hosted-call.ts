import type { HostedCall } from '../../../answer/completion.ts'
import type { Random } from '../../../lib/random.ts'
import type { Encoding } from '../../../tokens/encoding.ts'
import { alphanumeric } from '../../../wire/ids.ts'
import type { Model } from '../../../wire/models/models.ts'
import type { HostedOutput, ToolUsage } from '../../../wire/responses/hosted-output.ts'
import type { WrittenItem } from '../../../wire/responses/response-object.ts'
import type { ResponsesItem } from '../../../wire/responses/responses-item.ts'
import type { ResponsesRequest, ResponsesTool } from '../../../wire/responses/responses-request.ts'
import type { ClientTool } from '../../completion-task.ts'
import type { ItemContext } from '../draw-items.ts'

/** What a hosted tool knows of the conversation. */
export interface ConversationContext {
  readonly request: ResponsesRequest
  /** The input, with resolved references. */
  readonly items: readonly ResponsesItem[]
  readonly model: Model
  readonly encoding: Encoding
  /** The last text of the user, in one line. */
  readonly question: string
  /** The called tools since the last message of the user. */
  readonly called: readonly string[]
}

/** A call of a hosted tool, with its items in the answer. */
export interface DrawnCall extends HostedCall {
  /** Tools that the call makes available. The answer calls them next. */
  readonly loads?: readonly ClientTool[]
  readonly usage?: ToolUsage
  /** Paints the pictures of the call, before `items`. */
  readonly paint?: () => Promise<void>
  items(context: ItemContext): readonly WrittenItem[]
  /** Annotations of the text of the answer. */
  annotations?(text: string): readonly object[]
}

/** Draws a call of a tool. */
export type DrawCall = (tool: ResponsesTool, context: ConversationContext, random: Random) => DrawnCall

/** A call without text, result or pictures. */
export const plainCall = { pieces: [], hiddenTokens: 0, resultTokens: 0, endsAnswer: false } as const

/** Creates an item without text that is streamed. The service sorts the fields after `status`. */
export function hostedItem(
  item: { readonly id: string; readonly type: HostedOutput['type'] } & Readonly<Record<string, unknown>>,
  more: Omit<WrittenItem, 'item' | 'pieces'> & { readonly pieces?: readonly string[] } = {},
): WrittenItem {
  return { pieces: [], ...more, item: item as HostedOutput }
}

/** Returns whether the request asks for a part of an item. */
export function includes({ include }: ResponsesRequest, part: string): boolean {
  return include?.includes(part) === true
}

/** Returns the id of a call that the client answers. */
export function callId(random: Random): string {
  return `call_${alphanumeric(random, 24)}`
}

const MAX_QUERY_WORDS = 10

/** Returns a query for a search: the first words of the question. */
export function queryOf(question: string): string {
  const words = question.match(/[\p{L}\p{N}][\p{L}\p{N}'-]*/gu) ?? []
  return words.slice(0, MAX_QUERY_WORDS).join(' ') || 'latest news'
}

const hexDigits = '0123456789abcdef'

/** Returns random hexadecimal digits. */
export function hexText(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => hexDigits[random.below(16)]).join('')
}
