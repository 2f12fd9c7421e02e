import { isMessage } from '../../wire/responses/responses-item.ts'
import type { HarmCategory } from '../../wire/content-filters.ts'
import type { AnsweredResponse } from './response-object.ts'

/**
 * Characters that the service puts around a prompt before it is filtered: 368 were judged of a prompt of 26 (a capture
 * of gpt-5.2-chat, April 2026).
 */
const templateLength = 342

const safe = { filtered: false, severity: 'safe' }
const undetected = { detected: false, filtered: false }

/** What the content filter says of a prompt that passes and of its answer, in the order of a capture of April 2026. */
export function contentFilters(record: AnsweredResponse): object[] {
  const { found } = record
  const prompt = {
    jailbreak: undetected,
    hate: safe,
    sexual: safe,
    violence: safe,
    self_harm: safe,
  }
  const grade = (category: HarmCategory) => (category === found ? { filtered: true, severity: 'high' } : safe)
  const completion = {
    hate: grade('hate'),
    sexual: grade('sexual'),
    violence: grade('violence'),
    self_harm: grade('self_harm'),
    protected_material_code: undetected,
    protected_material_text: undetected,
  }
  return [
    filter('prompt', false, prompt, templateLength + promptLength(record)),
    filter('completion', found !== undefined, completion, answerLength(record)),
  ]
}

function filter(source: string, blocked: boolean, results: object, endOffset: number): object {
  return {
    blocked,
    source_type: source,
    content_filter_raw: [],
    content_filter_results: results,
    content_filter_offsets: { start_offset: 0, end_offset: endOffset, check_offset: 0 },
  }
}

function promptLength({ request, items }: AnsweredResponse): number {
  let length = request.instructions?.length ?? 0
  for (const item of items) {
    if (!isMessage(item)) continue
    if (typeof item.content === 'string') length += item.content.length
    else for (const part of item.content) length += 'text' in part ? part.text.length : 0
  }
  return length
}

function answerLength({ output }: AnsweredResponse): number {
  let length = 0
  for (const item of output) {
    if (item.type === 'message') {
      for (const part of item.content) length += ('text' in part ? part.text : part.refusal).length
    } else if (item.type === 'function_call') length += item.arguments.length
    else if (item.type === 'custom_tool_call') length += item.input.length
  }
  return length
}
