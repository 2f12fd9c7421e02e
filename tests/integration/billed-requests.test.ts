import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'oxfmt'
import { describe, expect, it } from 'vitest'
import {
  exactCounts,
  measureScores,
  withScores,
  type MeasuredScores,
} from '../../scripts/token-score-table.ts'
import { nameOfGroup, readBilledRequests, scoreRequest } from '../../scripts/token-scores.ts'
import { needOf } from '../support/installed-tool.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const measured = JSON.parse(read('tests/billed-requests/scores.json')) as MeasuredScores
const sample = readBilledRequests(read('tests/billed-requests/requests.jsonl'))

describe('token counts of real requests', () => {
  const exact = exactCounts(sample)

  it('cover the groups of the measurement', () => {
    expect(sample.length).toBeGreaterThan(300)
    expect(Object.keys(exact)).toEqual(Object.keys(measured.sample))
    expect(Object.keys(exact)).toEqual(measured.groups.map(({ group }) => nameOfGroup(group)))
  })

  it.each(Object.entries(measured.sample))('are as exact as measured: %s, %i or more', (name, minimum) => {
    expect(exact[name]).toBeGreaterThanOrEqual(minimum)
  })

  it('are in docs/tokens.md as scripts/score-tokens.ts --write makes them', async () => {
    const page = read('docs/tokens.md')
    const { code } = await format('tokens.md', withScores(page, measured), { printWidth: 110, semi: false })
    expect(page).toBe(code)
  })
})

const folder = process.env['REAL_TRAFFIC_DIR']
const { isMissing, note } = needOf(folder === undefined ? ['REAL_TRAFFIC_DIR'] : [])

describe.skipIf(isMissing)(`token counts of all recorded requests${note}`, () => {
  it('are as exact as docs/tokens.md says, or better', () => {
    const rows = readBilledRequests(readFileSync(join(folder ?? '', 'billed-tokens-2.jsonl'), 'utf8'))
    const now = measureScores(rows, [], measured.date)
    const summaryOf = ({ all, groups }: MeasuredScores) => [
      ...groups.map(({ group, fit, check }) => ({ name: nameOfGroup(group), fit, check })),
      { name: 'all', ...all },
    ]
    const before = new Map(summaryOf(measured).map((scores) => [scores.name, scores]))
    const worse = summaryOf(now).filter(({ name, fit, check }) => {
      const { fit: oldFit, check: oldCheck } = before.get(name) ?? { fit, check }
      return fit.exact < oldFit.exact || check.exact < oldCheck.exact
    })
    expect(worse).toEqual([])
    expect(now.groups.map(({ group }) => group)).toEqual(measured.groups.map(({ group }) => group))
  })
})

describe('a request that cannot be compared with its bill', () => {
  const chat = (content: unknown): Record<string, unknown> => ({ messages: [{ role: 'user', content }] })
  const responses = (content: unknown): Record<string, unknown> => ({ input: [{ role: 'user', content }] })
  const web = 'https://example.com/a.png'

  it.each([
    ['unknown operation rerank', 'rerank', {}],
    ['server-side tools', 'responses', { input: 'a', tools: [{ type: 'web_search' }] }],
    ['server-side tools', 'responses', { input: 'a', tools: [{ type: 'tool_search' }] }],
    ['server-side tools', 'responses', { input: [{ type: 'web_search_call', id: 'ws_1' }] }],
    ['server-side tools', 'chat/completions', { ...chat('a'), web_search_options: {} }],
    ['audio', 'chat/completions', chat([{ type: 'input_audio', input_audio: { data: '', format: 'wav' } }])],
    ['audio', 'chat/completions', { ...chat('a'), modalities: ['text', 'audio'], audio: { voice: 'ash' } }],
    ['audio', 'chat/completions', { messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] }],
    ['remote images and files', 'chat/completions', chat([{ type: 'image_url', image_url: { url: web } }])],
    ['remote images and files', 'responses', responses([{ type: 'input_image', image_url: web }])],
    ['remote images and files', 'responses', responses([{ type: 'input_file', file_url: web }])],
    ['stored state', 'responses', { input: 'a', previous_response_id: 'resp_1' }],
    ['stored state', 'responses', { input: 'a', conversation: 'conv_1' }],
    ['stored state', 'responses', { prompt: { id: 'pmpt_1' } }],
    ['stored state', 'responses', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
    ['stored state', 'responses', responses([{ type: 'input_file', file_id: 'file-1' }])],
    ['stored state', 'chat/completions', chat([{ type: 'file', file: { file_id: 'file-1' } }])],
  ])('is skipped as %s: %s %j', (reason, op, request) => {
    const row = { op, model: 'gpt-4o', billed_prompt_tokens: 1, request }
    expect(scoreRequest(row)).toEqual({ row, reason })
  })

  it('is skipped if it was recorded in the first weeks of the Responses API', () => {
    const row = { op: 'responses', model: 'gpt-4o', billed_prompt_tokens: 50, request: { input: 'a' } }
    expect(scoreRequest({ ...row, created: '2025-03-20' })).toMatchObject({
      reason: 'Responses API of March 2025',
    })
    expect(scoreRequest({ ...row, created: '2025-04-07' })).toMatchObject({ group: { kind: 'text' } })
  })

  it('is skipped with the name of an unknown model', () => {
    const row = { op: 'responses', model: 'mistral-large', billed_prompt_tokens: 1, request: { input: 'a' } }
    expect(scoreRequest(row)).toMatchObject({ reason: 'unknown model mistral-large' })
  })

  it('is not skipped for images in data URLs, and for tools that the client executes', () => {
    const data = 'data:image/png;base64,AAAA'
    const request = {
      ...responses([{ type: 'input_image', image_url: data }]),
      tools: [
        { type: 'custom', name: 'a' },
        { type: 'tool_search', execution: 'client' },
      ],
    }
    const row = { op: 'responses', model: 'gpt-4o', billed_prompt_tokens: 1, request }
    expect(scoreRequest(row)).toMatchObject({ group: { kind: 'images' } })
  })
})
