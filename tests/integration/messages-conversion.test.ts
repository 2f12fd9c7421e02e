import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readBilledRequests } from '../../scripts/token-scores.ts'
import { createRandom } from '../../src/lib/random.ts'
import { isRecord } from '../../src/lib/record.ts'
import type { ServiceError } from '../../src/wire/errors.ts'
import type { Converted, JsonMembers } from '../../src/wire/conversion.ts'
import { chatToMessages } from '../../src/wire/messages/chat-to-messages.ts'
import { messagesToChat } from '../../src/wire/messages/messages-to-chat.ts'
import { everyBlockMessage } from '../support/message-parts.ts'
import { jsonText, mutateJson } from '../support/mutate-json.ts'
import { needOf } from '../support/installed-tool.ts'
import { chatSight } from '../support/request-sight.ts'
import { recordedRequests } from '../support/request-sources.ts'

/** What recorded requests have, and Anthropic Messages have not. */
const drop = new Set(
  `n seed logprobs top_logprobs logit_bias verbosity modalities audio store type frequency_penalty presence_penalty
  prediction web_search_options metadata response_format temperature top_p tool_choice service_tier prompt_cache_key
  prompt_cache_retention data_sources moderation tools.custom messages.name messages.content messages.tool_calls.custom`.split(
    /\s+/,
  ),
)
const options = { model: 'claude', drop, maxOutputTokens: 4_096 }

type Atom = Readonly<Record<string, unknown>>

/** A part of a conversation that both APIs have. Texts that follow each other become one. */
/** The arguments of a call; an empty text means none. */
function textOf(input: unknown): string {
  return typeof input === 'string' && input !== '' ? input : '{}'
}

function atomsOf(conversation: readonly unknown[]): { system: string; atoms: Atom[] } {
  const system: unknown[] = []
  const atoms: Atom[] = []
  const say = (role: unknown, text: unknown): void => {
    const last = atoms.at(-1)
    if (text === '' || text === undefined) return
    if (last && last['role'] === role && 'text' in last) {
      atoms[atoms.length - 1] = { role, text: [last['text'], text].join('') }
    } else atoms.push({ role, text })
  }
  for (const entry of conversation as Atom[]) {
    const parts = (entry['parts'] ?? []) as Atom[]
    const { role = '' } = entry
    if ('call' in entry) atoms.push({ ...entry, input: JSON.parse(textOf(entry['input'])) as unknown })
    else if ('result' in entry) {
      atoms.push({ result: entry['result'], text: parts.map(({ text }) => text).join('\n') })
    } else if (role === 'system' || role === 'developer') system.push(...parts.map(({ text }) => text))
    else {
      for (const part of parts) {
        if ('image' in part) atoms.push({ image: part['image'] })
        else if ('file' in part) atoms.push(...fileOf(part['file'] as unknown[]))
        else say(role, part['text'] ?? part['refusal'])
      }
    }
  }
  return { system: system.join('\n'), atoms }
}

/** The upstream does not have files by id. */
function fileOf([id, data, name]: readonly unknown[]): Atom[] {
  return id === null ? [{ file: [data, name] }] : []
}

/** What both APIs can say. */
function sightOf(body: JsonMembers): unknown {
  const { conversation, parameters } = chatSight(body)
  const { tools, choice, effort, limit, stream, format } = parameters
  const hasTools = (tools as Atom[]).length > 0
  const view = {
    ...atomsOf(conversation),
    tools: (tools as Atom[])
      .filter((tool) => 'function' in tool)
      .map((tool) => ({
        name: tool['function'],
        description: tool['description'],
        parameters: { properties: {}, ...(tool['parameters'] as object) },
      })),
    choice: hasTools ? choice : 'auto',
    effort: effort === 'minimal' ? 'low' : effort,
    limit: limit ?? options.maxOutputTokens,
    stream,
    // Anthropic Messages have the description in the schema.
    schema: isRecord(format)
      ? { description: format['description'], ...(format['schema'] as object) }
      : undefined,
  }
  return JSON.parse(JSON.stringify(view))
}

function problemOf(body: JsonMembers): string | undefined {
  const there = chatToMessages(body, options)
  const roles = (body['messages'] as Atom[]).map(({ role }) => role)
  if (roles.every((role) => role === 'system' || role === 'developer')) {
    return there.kind === 'refused' && there.error.param === 'messages' ? undefined : 'not refused'
  }
  if (there.kind === 'refused') return there.error.message
  const back = messagesToChat(there.body, options)
  if (back.kind === 'refused') return `back: ${back.error.message}`
  const [seen, again] = [sightOf(body), sightOf(back.body)]
  if (isDeepStrictEqual(seen, again)) return undefined
  return `different: ${JSON.stringify(seen)} and ${JSON.stringify(again)}`.slice(0, 2_000)
}

const sample = readBilledRequests(
  readFileSync(new URL('../billed-requests/requests.jsonl', import.meta.url), 'utf8'),
)
  .filter(({ op }) => op === 'chat/completions')
  .map(({ request }) => request)

describe('a recorded chat request', () => {
  it('is the same after it was converted to Anthropic Messages and back', () => {
    expect(sample.length).toBeGreaterThan(90)
    expect(sample.flatMap((body) => problemOf(body) ?? [])).toEqual([])
  })
})

const folder = process.env['REAL_TRAFFIC_DIR']
const { isMissing, note } = needOf(folder === undefined ? ['REAL_TRAFFIC_DIR'] : [])

describe.skipIf(isMissing)(`all recorded chat requests${note}`, () => {
  it('are the same after they were converted to Anthropic Messages and back', () => {
    const requests = folder === undefined ? [] : recordedRequests(folder).filter(({ api }) => api === 'chat')
    const problems = requests.flatMap(({ name, body }) => {
      const problem = problemOf(body)
      return problem === undefined ? [] : [`${name}: ${problem}`]
    })
    process.stdout.write(`${requests.length - problems.length} of ${requests.length} the same\n`)
    expect(requests.length).toBeGreaterThan(0)
    expect(problems).toEqual([])
  })
})

/** A request with most parameters of Anthropic Messages. */
const everyParameter: JsonMembers = {
  model: 'claude',
  max_tokens: 100,
  stream: true,
  system: [{ type: 'text', text: 'S', cache_control: { type: 'ephemeral' } }],
  messages: [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: everyBlockMessage.content },
    {
      role: 'user',
      content: [
        {
          type: 'tool_result',
          tool_use_id: 'toolu_1',
          content: [{ type: 'text', text: 'r' }],
          is_error: true,
        },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'd' }, title: 't' },
      ],
    },
  ],
  tools: [{ name: 'f', description: 'd', input_schema: { type: 'object', properties: {} }, strict: true }],
  tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true },
  thinking: { type: 'enabled', budget_tokens: 2_000 },
  output_config: { effort: 'low', format: { type: 'json_schema', schema: { type: 'object' } } },
  stop_sequences: ['x'],
  metadata: { user_id: 'u' },
  temperature: 0.5,
}

const ROUNDS = 400

describe('a mutated request', () => {
  /** Returns the error; undefined for a request that is converted and can be written. */
  const errorOf = (converted: Converted): ServiceError | undefined => {
    if (converted.kind === 'refused') return converted.error
    JSON.parse(JSON.stringify(converted.body))
    return undefined
  }

  it.each<[string, readonly JsonMembers[], typeof chatToMessages]>([
    ['chat completions', sample, chatToMessages],
    ['Anthropic Messages', [everyParameter], messagesToChat],
  ])('is converted or refused without an exception: %s', (name, bodies, convert) => {
    const none = { ...options, drop: new Set<string>() }
    let refused = 0
    for (let round = 0; round < ROUNDS; round++) {
      const random = createRandom(`${name} ${round}`)
      const body = bodies[round % bodies.length] ?? {}
      const mutated = JSON.parse(jsonText(mutateJson(mutateJson(body, random), random))) as JsonMembers
      const errors = [none, options].flatMap((one) => errorOf(convert(mutated, one)) ?? [])
      expect(errors.filter(({ status, message }) => status !== 400 || message === '')).toEqual([])
      refused += errors.length
    }
    expect(refused).toBeGreaterThan(ROUNDS / 10)
    expect(refused).toBeLessThan(2 * ROUNDS)
  })
})
