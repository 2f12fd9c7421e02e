import { expect, test, vi } from 'vitest'
import { checkRatio, checkWithRetry, missingCases } from '../../bench/check-verdict.ts'

test.each([
  [0.5, 0.5, 'ok'],
  [0.9, 0.5, 'ok'],
  [0.426, 0.5, 'ok'],
  [0.424, 0.5, 'slower'],
  [NaN, 0.5, 'slower'],
  [0.1, undefined, 'not recorded'],
] as const)('a ratio of %d, recorded as %s, is %s', (measured, recorded, verdict) => {
  expect(checkRatio(measured, recorded)).toBe(verdict)
})

test('the check measures a case again before it reports it as slower', async () => {
  const measure = vi.fn((attempt: 1 | 2) => Promise.resolve(attempt === 1 ? 0.3 : 0.49))
  expect(await checkWithRetry(measure, 0.5)).toBe('ok')
  expect(measure.mock.calls).toEqual([[1], [2]])
})

test('the check reports a case that is slower both times', async () => {
  expect(await checkWithRetry(() => Promise.resolve(0.3), 0.5)).toBe('slower')
})

test('the check measures a case once if it is as fast as recorded or has no record', async () => {
  const measure = vi.fn(() => Promise.resolve(0.5))
  expect(await checkWithRetry(measure, 0.5)).toBe('ok')
  expect(await checkWithRetry(measure, undefined)).toBe('not recorded')
  expect(measure).toHaveBeenCalledTimes(2)
})

test('the check lists recorded cases that are no longer measured', () => {
  const machine = { date: '2026-01-01', node: 'v20', cpu: 'x', cores: 2, pinned: true }
  const bare = { ratio: 1, spread: [1, 1] } as const
  const cases = [
    { name: 'kept', bare },
    { name: 'renamed', bare },
  ]
  expect(missingCases({ machine, generator: 'wrk', rounds: 7, cases }, ['kept', 'new'])).toEqual(['renamed'])
})
