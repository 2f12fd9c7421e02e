import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createTestSimulator } from '../support/test-simulator.ts'
import { shapeOf } from '../support/answer-shape.ts'

/** A captured answer: its request, and its members with their types. Texts are shortened, values are left out. */
interface Captured {
  /** Project and number of the capture. */
  readonly from: string
  readonly date: string
  readonly model: string
  readonly profile: string
  readonly path: string
  readonly request: Readonly<Record<string, unknown>>
  readonly shape: readonly string[]
  /** Names of the headers; absent if the recorder kept only some. */
  readonly headers?: readonly string[]
  /** Names of the called functions. */
  readonly calls?: readonly string[]
}

const file = new URL('../captured-answers/answers.jsonl', import.meta.url)
const captured = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Captured)

/** Projects with captures from which the profiles were made. The others only validate them. */
const madeWith = new Set(['DataDog/dd-trace-py', 'crewAIInc/crewAI', 'crmne/ruby_llm', 'lmnr-ai/lmnr-python'])

/** Members and headers that differ, and why. */
const explained: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^missing header transfer-encoding$/, 'a Web response has no transfer coding'],
  [
    /^added header (skip-error-remapping|x-ms-is-spilled-over)$/,
    'headers since March 2026, older than all profiles',
  ],
  [/item\.(content|summary|encrypted_content)/, 'the model decides whether it reasons'],
  [
    /header (api-supported-versions|request-id|x-envoy-upstream-service-time)$|prompt_filter_results\[\]\.content_filter_results:/,
    'chat with pictures of January 2026 ran on another server of the service',
  ],
  [/content_filter_result[.:]/, 'the filter of one captured answer could not judge'],
]

/** Optional parts: the model decides which items an answer has, and a filter can have no result. */
const optionalPart = /^(.*?(?:output\[\w+\]|content_filters(?:\[\])?))/

/** Whether an answer has the optional part that a member belongs to. */
function isIn(members: ReadonlySet<string>, member: string): boolean {
  const part = optionalPart.exec(member)?.[1]
  if (part === undefined || member.endsWith('content_filters:null')) return part === undefined
  return members.has(`${part}:object`) || members.has(`${part}:array`)
}

async function differences(one: Captured): Promise<string[]> {
  const { post } = createTestSimulator({
    // The real service has issued the encrypted content of these requests.
    env: { ENCRYPTED_CONTENT_CHECK: 'off' },
    deployments: {
      one: {
        model: one.model,
        wireProfile: one.profile,
        limitProfile: one.date < '2026-03' ? '2025-08' : '2026-09',
        tokensPerMinute: 1_000_000,
      },
    },
  })
  const sendsId = one.headers?.includes('x-ms-client-request-id') === true
  const calls = one.calls?.join(',') ?? '0'
  const response = await post(one.path, one.request, {
    'x-sim-tool-calls': calls,
    ...(sendsId && { 'x-ms-client-request-id': 'client' }),
  })
  if (response.status !== 200) return [`status ${response.status}: ${await response.text()}`]
  const made = new Set(shapeOf(await response.text()))
  const real = new Set(one.shape)
  const names = new Set(response.headers.keys())
  const realNames = new Set(one.headers ?? names)
  return [
    ...[...real].filter((member) => !made.has(member) && isIn(made, member)).map((name) => `missing ${name}`),
    ...[...made].filter((member) => !real.has(member) && isIn(real, member)).map((name) => `added ${name}`),
    ...[...realNames].filter((name) => !names.has(name)).map((name) => `missing header ${name}`),
    ...[...names].filter((name) => !realNames.has(name)).map((name) => `added header ${name}`),
  ]
}

describe('the answer to a captured request has the members, types and headers of the capture', () => {
  it.each(captured)('$from ($date, $model)', async (one) => {
    const found = await differences(one)
    expect(found.filter((difference) => !explained.some(([pattern]) => pattern.test(difference)))).toEqual([])
  })

  it('has captures that only validate', () => {
    const judges = captured.filter(({ from }) => !madeWith.has(from.split(' ')[0] ?? ''))
    expect(judges.length).toBeGreaterThan(5)
  })
})
