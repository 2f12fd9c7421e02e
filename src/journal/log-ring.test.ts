import { describe, expect, it } from 'vitest'
import { collectInto, type LogLine } from '../../tests/support/test-logger.ts'
import { createLogCleaner, type LogRecord, LogRing, logEntryJson, openLogs } from './log-ring.ts'

const record = (part: Partial<LogRecord> = {}): LogRecord => ({
  epochMs: 0,
  level: 'info',
  event: 'log',
  message: 'm',
  fields: {},
  ...part,
})

const ids = (ring: LogRing, filter = {}, limit = 500): number[] =>
  ring.read(filter, limit).entries.map(({ id }) => id)

describe('LogRing', () => {
  it('keeps the last entries, newest first, with ids that increase', () => {
    const ring = new LogRing(100)
    for (let i = 0; i < 300; i++) ring.add(record())
    expect(ids(ring)).toEqual(Array.from({ length: 100 }, (_, index) => 300 - index))
    expect([ids(ring, {}, 2), ring.lastId, ring.read({}, 2).total]).toEqual([[300, 299], 300, 100])
    expect(ids(ring, { sinceId: 298 })).toEqual([300, 299])
  })

  it('filters by each property and by text', () => {
    const ring = new LogRing(10)
    ring.add(record({ level: 'warn', resource: 'acme', deployment: 'chat', upstream: 'east' }))
    ring.add(record({ event: 'upstream', request: 'ABC-1', code: 'UpstreamBroken', status: 502 }))
    ring.add(record({ message: 'The Folder', fields: { deep: { list: ['Needle "x"'] } } }))
    expect(ids(ring, { levels: new Set(['warn', 'error']) })).toEqual([1])
    expect(ids(ring, { event: 'UP' })).toEqual([2])
    for (const filter of [{ resource: 'acme' }, { deployment: 'chat' }, { upstream: 'east' }]) {
      expect(ids(ring, filter)).toEqual([1])
    }
    expect([ids(ring, { upstream: 'eas' }), ids(ring, { request: 'abc' })]).toEqual([[], []])
    expect(ids(ring, { request: 'abc-1' })).toEqual([2])
    for (const text of ['needle "X"', 'the folder', 'DEEP']) expect(ids(ring, { text })).toEqual([3])
    expect([ids(ring, { text: '502' }), ids(ring, { text: 'upstreambroken' })]).toEqual([[2], [2]])
    expect(ids(ring, { levels: new Set(['info']), text: 'nothing' })).toEqual([])
  })
})

describe('createLogCleaner', () => {
  const key = 'a-known-key-1'
  const cleaner = createLogCleaner(() => [key])

  it('redacts keys, credentials and values of credential names at any depth', () => {
    const fields = cleaner.fields({
      path: `/x?y=${key}`,
      auth: {
        authorization: 'abc',
        client_secret: ['one'],
        'x-api-key': 'two',
        token: { value: 'three' },
        key: 'four',
      },
      list: [`Bearer ${'q1w2e3r4'.repeat(4)}`],
      tokens: 5,
    })
    const text = JSON.stringify(fields)
    for (const secret of [key, 'abc', 'one', 'two', 'three', 'four', 'q1w2e3r4'])
      expect(text).not.toContain(secret)
    expect(fields['tokens']).toBe(5)
    expect(cleaner.text(`key ${key}.`)).toBe('key [redacted].')
  })

  it('limits texts, lists, depth and size', () => {
    const { text, list, deep, many } = cleaner.fields({
      text: 'a'.repeat(9_000),
      list: Array.from({ length: 60 }, (_, index) => index),
      deep: { a: { b: { c: { d: 1 } } } },
    }) as Record<string, string | unknown[]>
    expect(text).toHaveLength(4_001)
    expect(list).toHaveLength(50)
    expect(JSON.stringify(deep)).toBe('{"a":{"b":{"c":"[truncated]"}}}')
    expect(many).toBeUndefined()
    const wide = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [`k${index}`, 'b'.repeat(4_000)]),
    )
    expect(JSON.stringify(cleaner.fields(wide)).length).toBeLessThan(25_000)
  })

  it('has JSON values only', () => {
    const circular: Record<string, unknown> = { name: 'c' }
    circular['self'] = circular
    const fields = cleaner.fields({
      circular,
      bytes: Buffer.from('secret body'),
      error: new Error('no'),
      endless: Infinity,
      at: new Date(0),
      invalid: new Date(NaN),
      big: 1n,
      call: () => {},
      missing: undefined,
      ...JSON.parse('{"__proto__": {"x": 1}}'),
    })
    expect(JSON.parse(JSON.stringify(fields))).toEqual({
      circular: { name: 'c', self: { name: 'c', self: { name: 'c', self: '[truncated]' } } },
      bytes: '[11 bytes]',
      error: 'Error: no',
      endless: 'Infinity',
      at: '1970-01-01T00:00:00.000Z',
      invalid: null,
      big: '1',
      ...JSON.parse('{"__proto__": {"x": 1}}'),
    })
  })
})

describe('openLogs', () => {
  const open = (options: { size?: number; level?: 'debug' | 'info' | 'error'; worker?: number } = {}) => {
    const lines: LogLine[] = []
    const { size = 10, level = 'info', worker } = options
    const logs = openLogs({
      logger: collectInto(lines),
      size,
      level,
      secrets: () => [],
      epochMs: () => 5,
      worker,
    })
    return { ...logs, lines }
  }

  it('writes lines to the log and to the ring, with known fields as properties', () => {
    const { logger, ring, lines } = open({ worker: 3 })
    logger.warn({ requestId: 'r', status: 502, code: 'X', method: 'POST', ms: 'soon' }, 'Failed.')
    expect(lines).toHaveLength(1)
    expect(ring?.read({}, 1).entries.map(logEntryJson)).toEqual([
      {
        id: 1,
        time: '1970-01-01T00:00:00.005Z',
        level: 'warn',
        event: 'log',
        message: 'Failed.',
        request: 'r',
        resource: 'default',
        deployment: null,
        upstream: null,
        status: 502,
        code: 'X',
        ms: null,
        fields: { method: 'POST', ms: 'soon', worker: 3 },
      },
    ])
  })

  it('keeps info and above at any LOG_LEVEL, and debug only with LOG_LEVEL=debug', () => {
    for (const [level, kept] of [
      ['error', ['error', 'info']],
      ['debug', ['error', 'info', 'debug']],
    ] as const) {
      const { logger, ring } = open({ level })
      for (const severity of ['debug', 'info', 'error'] as const) logger[severity]({}, severity)
      expect(ring?.read({}, 9).entries.map(({ message }) => message)).toEqual(kept)
    }
  })

  it('has no ring with size 0', () => {
    const { logger, ring, records, lines } = open({ size: 0 })
    logger.info({}, 'A line.')
    expect([ring, records, lines.length]).toEqual([undefined, undefined, 1])
  })
})
