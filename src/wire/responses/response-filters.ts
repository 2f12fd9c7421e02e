import type { FilterEvent } from '../../answer/answer-events.ts'
import { isRecord } from '../../lib/record.ts'
import type { HarmCategory, PromptCategory } from '../content-filters.ts'
import { modelError, type ServiceError } from '../errors.ts'
import type { AnsweredResponse } from './response-object.ts'
import { isMessage } from './responses-item.ts'
import type { ResponsesRequest } from './responses-request.ts'

/**
 * Characters that the service adds to a prompt before filtering: for a prompt of 26 characters, the offsets cover 368 (capture of
 * gpt-5.2-chat, April 2026).
 */
const TEMPLATE_LENGTH = 342

const safe = { filtered: false, severity: 'safe' }
const undetected = { detected: false, filtered: false }

/** Filter results of a safe prompt and of its answer, in the order of a capture of April 2026. */
export function contentFilters(record: AnsweredResponse): object[] {
  const { found } = record
  const prompt = {
    jailbreak: undetected,
    hate: safe,
    sexual: safe,
    violence: safe,
    self_harm: safe,
  }
  const resultOf = (category: HarmCategory) =>
    category === found ? { filtered: true, severity: 'high' } : safe
  const completion = {
    hate: resultOf('hate'),
    sexual: resultOf('sexual'),
    violence: resultOf('violence'),
    self_harm: resultOf('self_harm'),
    protected_material_code: undetected,
    protected_material_text: undetected,
  }
  return [
    filter('prompt', false, prompt, filteredLength(record)),
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

/** A prompt as the content filter reads it. */
type FilteredPrompt = Pick<AnsweredResponse, 'items'> & {
  readonly request: Pick<ResponsesRequest, 'instructions'>
}

/**
 * 400: the content filter blocks the prompt, also of a streamed request (public captures of 2026; Microsoft Learn). The apostrophe is
 * typographic, unlike that of Chat. The order of the results is that of three of four captures.
 */
export function responsesPromptFiltered(prompt: FilteredPrompt, category: PromptCategory): ServiceError {
  const resultOf = (harm: HarmCategory) => (harm === category ? { filtered: true, severity: 'medium' } : safe)
  const found = category === 'jailbreak'
  const results = {
    hate: resultOf('hate'),
    sexual: resultOf('sexual'),
    violence: resultOf('violence'),
    self_harm: resultOf('self_harm'),
    jailbreak: { detected: found, filtered: found },
  }
  const message =
    'The response was filtered due to the prompt triggering Azure OpenAI\u2019s content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766'
  return {
    ...modelError(message, 'prompt', 'content_filter'),
    layer: 'filter',
    envelope: 'compact',
    details: {
      content_filters: [filter('prompt', true, results, filteredLength(prompt))],
      innererror: { code: 'ContentFiltered' },
    },
  }
}

function filteredLength({ request, items }: FilteredPrompt): number {
  let length = TEMPLATE_LENGTH + (request.instructions?.length ?? 0)
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

/** Returns a result of the content filter as the Responses API has it. */
export function filterOf({ of, results, offsets }: FilterEvent): object {
  const categories = isRecord(results) ? Object.values(results) : []
  return {
    blocked: categories.some((result) => isRecord(result) && result['filtered'] === true),
    source_type: of === 'prompt' ? 'prompt' : 'completion',
    content_filter_raw: [],
    content_filter_results: results,
    ...(offsets !== undefined && { content_filter_offsets: offsets }),
  }
}

/** Adds a result to those so far. A chat stream repeats the results with each chunk. Those of a part of the text stay separate. */
export function addFilter(filters: FilterEvent[], event: FilterEvent): void {
  const known =
    event.offsets === undefined
      ? filters.findIndex(
          ({ of, index, offsets }) => of === event.of && index === event.index && offsets === undefined,
        )
      : -1
  if (known < 0) filters.push(event)
  else filters[known] = event
}
