import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cases } from '../../bench/cases.ts'
import { readResults, savedRatio, withResults, type Results } from '../../bench/results.ts'

const readme = readFileSync(new URL('../../bench/README.md', import.meta.url), 'utf8')
const machine = { date: '2026-01-02', node: 'v20.0.0', cpu: 'Any CPU', cores: 2, pinned: true }
const marks = ['<!-- results of the last runs, written by --save -->', '<!-- end of results -->'] as const
const document = `before\n${marks.join('\nold\n')}\nafter\n`

test('the README shows the results that are kept', () => {
  expect(withResults(readme, readResults())).toBe(readme)
})

test('every kept case is still measured', () => {
  const names = cases.map(({ name }) => name)
  for (const { name } of readResults().throughput?.cases ?? []) expect(names).toContain(name)
})

test('the table shows the ratios of each case, or a dash if the peer does not support it', () => {
  const ratio = { ratio: 0.5, spread: [0.4, 0.61] } as const
  const throughput = {
    machine,
    generator: 'wrk',
    rounds: 7,
    peer: 'aimock 1',
    cases: [
      { name: 'both', bare: ratio, peer: { ratio: 12.34, spread: [9, 15.6] } },
      { name: 'one', bare: ratio },
    ],
  } satisfies Results['throughput']
  const expected = [
    'before',
    marks[0],
    '',
    '### Throughput',
    '',
    '2026-01-02, Any CPU, 2 cores (one for the servers, one for the load), Node.js v20.0.0, 7 rounds per case, wrk.',
    '',
    '| case | against bare `node:http` | against aimock 1 |',
    '| ---- | ------------------------ | ---------------- |',
    '| both | 0.50 (0.40 to 0.61)      | 12 (9.00 to 16)  |',
    '| one  | 0.50 (0.40 to 0.61)      | -                |',
    '',
    marks[1],
    'after',
    '',
  ]
  expect(withResults(document, { throughput })).toBe(expected.join('\n'))
})

test('the table has a note on the ratio to the same case without a reader of events', () => {
  const ratio = { ratio: 0.79, spread: [0.78, 0.8] } as const
  const unread = { ratio: 0.99, spread: [0.98, 1.01] } as const
  const throughput = {
    machine,
    generator: 'wrk',
    rounds: 7,
    cases: [{ name: 'open', bare: ratio, unread }],
  } satisfies Results['throughput']
  expect(withResults(document, { throughput })).toContain(
    '\n\n*open* against the same without a reader of events: 0.99 (0.98 to 1.01).\n',
  )
})

test('a document without the marks is not written', () => {
  expect(() => withResults('nothing', {})).toThrow(/Restore/)
})

test('keeps three digits of a ratio', () => {
  expect(savedRatio({ median: 0.123456, lowest: 12.3456, highest: 3 })).toEqual({
    ratio: 0.123,
    spread: [12.3, 3],
  })
})
