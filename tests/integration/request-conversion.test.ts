import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readBilledRequests } from '../../scripts/token-scores.ts'
import type { ServiceError } from '../../src/wire/errors.ts'
import type { Converted } from '../../src/wire/conversion.ts'
import { schemaProblem } from '../../src/wire/json-schema/check-schema.ts'
import { findModel } from '../../src/wire/models/model-catalogue.ts'
import { validateChat } from '../../src/wire/chat/validate-chat.ts'
import { chatToResponses } from '../../src/wire/responses/chat-to-responses.ts'
import { responsesToChat } from '../../src/wire/responses/convert-to-chat.ts'
import { validateResponses } from '../../src/wire/responses/validate-responses.ts'
import { needOf } from '../support/installed-tool.ts'
import { chatDefaults, chatSight, responsesDefaults, responsesSight } from '../support/request-sight.ts'
import { recordedRequests, type RecordedRequest } from '../support/request-sources.ts'
import { isRecord } from '../../src/lib/record.ts'

const options = { model: 'upstream-name', drop: new Set<string>(), maxOutputTokens: undefined }
/** What recorded requests have, and the other API has not. */
const droppingOptions = {
  ...options,
  drop: new Set([
    'stop',
    'seed',
    'n',
    'messages.name',
    'modalities',
    'audio',
    'web_search_options',
    'type',
    'include',
    'input.reasoning',
    'reasoning.context',
    'reasoning.summary',
    'reasoning.generate_summary',
    'reasoning.mode',
    'input.content.file_url',
    'input.content.file_id',
    'input.output',
    'tools.web_search_preview',
    'background',
    'truncation',
  ]),
}
const isStrict = (parameters: unknown): boolean =>
  isRecord(parameters) && schemaProblem(parameters, 'function', true) === ''

/** A converted request, and the same request converted back. */
interface Converting {
  readonly there: Converted
  readonly back?: Converted
  readonly problems: readonly string[]
}

/** Converts a request and back. What both can say must be the same, for the model and for the validation of the service. */
function convert({ api, body }: RecordedRequest, settings = options): Converting {
  const isChat = api === 'chat'
  const there = isChat ? chatToResponses(body, settings) : responsesToChat(body, settings)
  if (there.kind === 'refused') return { there, problems: [] }
  const back = isChat ? responsesToChat(there.body, options) : chatToResponses(there.body, options)
  if (back.kind === 'refused') return { there, back, problems: [`back: ${back.error.message}`] }
  const problems: string[] = []
  const seen = {
    chat: (request: RecordedRequest['body']) => chatDefaults(chatSight(request)),
    responses: (request: RecordedRequest['body']) => responsesDefaults(responsesSight(request), isStrict),
  }
  const asked = seen[api](body)
  const store = asked.parameters['store'] ?? false
  const expected = { ...asked, parameters: { ...asked.parameters, store } }
  const views: [string, unknown][] = [
    ['there', seen[isChat ? 'responses' : 'chat'](there.body)],
    ['back', seen[api](back.body)],
  ]
  for (const [name, view] of views) {
    if (!isDeepStrictEqual(plain(view), plain(expected))) problems.push(`${name} is different`)
  }
  const [validate, validateThere] = isChat
    ? [validateChat, validateResponses]
    : [validateResponses, validateChat]
  const error = validate(body, model) === undefined ? validateThere(there.body, model) : undefined
  if (error !== undefined && !isStricter(error)) problems.push(`not valid: ${error.message}`)
  return { there, back, problems }
}

/** A model that accepts images and files in both APIs. */
const model = findModel('gpt-4.1-nano')!

/** Limits that only the other API has: at least 16 output tokens of a response, and only PDF files in chat completions. */
function isStricter({ param, message }: ServiceError): boolean {
  return param === 'max_output_tokens' || message.startsWith('Invalid file data')
}

/** JSON without undefined values. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** The number of converted requests, and of refused ones by parameter. */
function countsOf(requests: readonly RecordedRequest[], settings = options): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const request of requests) {
    const { there } = convert(request, settings)
    const name =
      there.kind === 'converted'
        ? 'converted'
        : `${there.error.code}: ${there.error.param?.replaceAll(/\[\d+\]/g, '')}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

function problemsOf(requests: readonly RecordedRequest[]): string[] {
  return requests.flatMap((request) =>
    convert(request).problems.map((problem) => `${request.name}: ${problem}`),
  )
}

const sample: RecordedRequest[] = readBilledRequests(
  readFileSync(new URL('../billed-requests/requests.jsonl', import.meta.url), 'utf8'),
)
  .filter(({ op }) => op === 'chat/completions' || op === 'responses')
  .map(({ from, op, request }) => ({
    name: from ?? '',
    api: op === 'responses' ? 'responses' : 'chat',
    body: request,
  }))

describe('a recorded request', () => {
  it.each(['chat', 'responses'] as const)('is equal in the other API, and converted back: %s', (api) => {
    const requests = sample.filter((request) => request.api === api)
    expect(requests.length).toBeGreaterThan(90)
    expect(problemsOf(requests)).toEqual([])
  })

  it('is refused with the name of what the other API does not have', () => {
    expect(countsOf(sample)).toEqual({
      converted: 284,
      'unsupported_parameter: input': 8,
      'unsupported_parameter: messages.name': 1,
      'unsupported_parameter: n': 1,
      'unsupported_parameter: reasoning.context': 2,
      'unsupported_parameter: reasoning.summary': 4,
      'unsupported_parameter: seed': 9,
      'unsupported_parameter: stop': 13,
    })
  })

  it('is converted without what the deployment drops', () => {
    expect(countsOf(sample, droppingOptions)).toEqual({ converted: sample.length })
  })
})

const folder = process.env['REAL_TRAFFIC_DIR']
const { isMissing, note } = needOf(folder === undefined ? ['REAL_TRAFFIC_DIR'] : [])

describe.skipIf(isMissing)(`all recorded requests${note}`, () => {
  const real = folder === undefined ? [] : recordedRequests(folder)

  it.each(['chat', 'responses'] as const)('are equal in the other API, and converted back: %s', (api) => {
    const requests = real.filter((request) => request.api === api)
    process.stdout.write(`${api}, ${requests.length}: ${JSON.stringify(countsOf(requests))}\n`)
    expect(problemsOf(requests)).toEqual([])
    expect(requests.length).toBeGreaterThan(0)
  })

  it('are converted without what the deployment drops', () => {
    expect(countsOf(real, droppingOptions)).toEqual({ converted: real.length })
  })
})
