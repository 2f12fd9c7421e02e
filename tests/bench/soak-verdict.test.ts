import { expect, test } from 'vitest'
import { checkSoak, type SoakRun } from '../../bench/soak-verdict.ts'

const window = {
  seconds: 60,
  sent: 6_000,
  done: 6_000,
  wrong: 0,
  tokenP50Ms: 1,
  tokenP99Ms: 4,
  answerP50Ms: 1,
  answerP99Ms: 4,
  sendP99Ms: 1,
}
const cpu = { simulator: 0.7, generator: 0.5 }
/** After ten minutes' collections, at the end of each minute. */
const memoryThat = (mbAt: (second: number) => number) =>
  Array.from({ length: 10 }, (_, minute) => [60 * (minute + 1), mbAt(60 * minute)] as const)
const warning = '{"level":"warn","msg":"slow"}'
const good: SoakRun = {
  rate: 100,
  windows: [window, window, window],
  memory: memoryThat((second) => 180 + (second % 7)),
  highestMb: 320,
  descriptors: { before: 20, after: 20 },
  errorLines: [warning],
  unfinished: 0,
  wrong: {},
  cpus: [cpu, cpu, cpu],
}
const failed = (run: Partial<SoakRun>): string[] =>
  checkSoak({ ...good, ...run })
    .filter(({ isGood }) => !isGood)
    .map(({ name }) => name)

test('a soak run passes when nothing grew, failed or became slower', () => {
  expect(failed({})).toEqual([])
})

test.each<[string, Partial<SoakRun>, string]>([
  [
    'memory that rises by more than 16 MB',
    { memory: memoryThat((second) => 180 + second / 30) },
    'memory is flat',
  ],
  ['memory that was not seen', { memory: [] }, 'memory is flat'],
  ['a descriptor that stays open', { descriptors: { before: 20, after: 21 } }, 'no descriptor left open'],
  ['an error in the log', { errorLines: [warning, '{"level":"error"}'] }, 'no error in the log'],
  ['what Node.js says', { errorLines: ['(node:1) MaxListenersExceededWarning'] }, 'no error in the log'],
  ['fewer answers at last', { windows: [window, { ...window, done: 5_600 }] }, 'throughput is flat'],
  ['no window', { windows: [] }, 'throughput is flat'],
  ['an answer that never ended', { unfinished: 1 }, 'all answers are right'],
  ['an answer of another status', { wrong: { 'streams: status 500': 1 } }, 'all answers are right'],
  [
    'a generator at its limit',
    { cpus: [cpu, { ...cpu, generator: 0.9 }] },
    'the load generator had time left',
  ],
])('fails for %s', (_, run, name) => {
  expect(failed(run)).toEqual([name])
})

test('a large process may breathe by 8 % of its size', () => {
  expect(failed({ memory: memoryThat((second) => 1_000 + second / 10) })).toEqual([])
  expect(failed({ memory: memoryThat((second) => 1_000 + second / 5) })).toEqual(['memory is flat'])
})
