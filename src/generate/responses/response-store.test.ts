import { describe, expect, it } from 'vitest'
import { findModel } from '../../wire/models/model-catalogue.ts'
import { ResponseIds } from '../../wire/responses/response-ids.ts'
import { createRandom, type Random } from '../../lib/random.ts'
import { ResponseProgress } from './stream-response.ts'
import type { ResponseRecord } from './response-archive.ts'
import { ResponseStore } from './response-store.ts'

const DAY_MS = 86_400_000

function recordOf(random: Random, changes: Partial<ResponseRecord> = {}): ResponseRecord {
  const ids = new ResponseIds(random)
  return {
    resource: 'default',
    id: ids.next('resp', 0),
    ids,
    createdMs: 0,
    deployment: 'chat',
    model: findModel('gpt-4o')!,
    request: { input: 'hi' },
    items: [{ type: 'message', role: 'user', content: 'hi' }],
    historyTokens: 0,
    toolHistory: { rounds: 0, called: [], servers: [] },
    output: [],
    finishReason: 'stop',
    usage: { promptTokens: 1, cachedTokens: 0, completionTokens: 1, reasoningTokens: 0 },
    progress: new ResponseProgress(false, 0),
    weight: 100,
    ...changes,
  }
}

describe('response store', () => {
  it('finds a response by its resource and id until it is deleted', () => {
    const random = createRandom('store')
    const store = new ResponseStore()
    const record = recordOf(random)
    store.add(record)
    expect(store.get('default', record.id, 1)).toBe(record)
    expect(store.get('other', record.id, 1)).toBeUndefined()
    expect(store.get('default', `${record.id.slice(0, -1)}x`, 1)).toBeUndefined()
    store.delete(record)
    expect(store.get('default', record.id, 1)).toBeUndefined()
  })

  it('expires a response after 30 days', () => {
    const random = createRandom('store')
    const store = new ResponseStore()
    const record = recordOf(random)
    store.add(record)
    expect(store.get('default', record.id, 30 * DAY_MS - 1)).toBe(record)
    expect(store.get('default', record.id, 30 * DAY_MS)).toBeUndefined()
    expect(store.size).toBe(0)
    store.add(record)
    store.add(recordOf(random, { createdMs: 31 * DAY_MS }))
    expect(store.size).toBe(1)
  })

  it('deletes the oldest responses above the count or size limit', () => {
    const random = createRandom('store')
    const store = new ResponseStore({ responses: 3, bytes: 1_000 })
    const records = Array.from({ length: 5 }, () => recordOf(random))
    for (const record of records) store.add(record)
    expect(records.map(({ id }) => store.get('default', id, 1) !== undefined)).toEqual([
      false,
      false,
      true,
      true,
      true,
    ])
    store.add(recordOf(random, { weight: 850 }))
    expect(store.size).toBe(2)
    store.add(recordOf(random, { weight: 1_001 }))
    expect(store.size).toBe(2)
  })

  it('finds the items of a response by their stable ids', () => {
    const random = createRandom('store')
    const store = new ResponseStore()
    const record = recordOf(random)
    store.add(record)
    const item = store.findItem('default', record.ids.next('msg', 0), 1)
    expect(item).toBeUndefined()
  })
})
