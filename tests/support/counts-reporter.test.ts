import { describe, expect, test } from 'vitest'
import type { TestModule } from 'vitest/node'
import { countTests, describeFailed, describeSkipped, formatCounts } from './counts-reporter.ts'

type State = 'passed' | 'failed' | 'skipped' | 'pending'

function moduleOf(states: State[], { errors = 0, suiteErrors = [] as number[] } = {}): TestModule {
  const failing = (count: number) => ({
    errors: () => Array.from({ length: count }, () => ({ message: 'no' })),
  })
  return {
    ...failing(errors),
    children: {
      allTests: () => states.map((state) => ({ result: () => ({ state }) })),
      allSuites: () => suiteErrors.map(failing),
    },
  } as unknown as TestModule
}

describe('countTests', () => {
  test('adds up the tests of all files', () => {
    expect(countTests([moduleOf(['passed', 'failed']), moduleOf(['passed', 'skipped'])], [])).toEqual({
      passed: 2,
      failed: 1,
      skipped: 1,
    })
  })

  test('counts a test that never ended as failed', () => {
    expect(countTests([moduleOf(['passed', 'pending'])], [])).toEqual({ passed: 1, failed: 1, skipped: 0 })
  })

  test.each([
    ['a file that does not load', [moduleOf([], { errors: 1 })], []],
    ['a hook of a suite that throws', [moduleOf([], { suiteErrors: [1, 0] })], []],
    ['an uncaught error', [moduleOf([])], [{ message: 'late' }]],
  ])('counts %s as one failure', (_what, modules, unhandledErrors) => {
    expect(countTests(modules, unhandledErrors)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })
})

describe('formatCounts', () => {
  test('names skipped tests only where there are any', () => {
    expect(formatCounts({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed')
    expect(formatCounts({ passed: 12, failed: 1, skipped: 2 })).toBe('12 passed, 1 failed, 2 skipped')
  })
})

describe('describeSkipped', () => {
  test('names the programs that skipped tests need, most tests first', () => {
    const test = (fullName: string, state: State = 'skipped') => ({ fullName, result: () => ({ state }) })
    const tests = [
      test('charts > are drawn (skipped: needs helm)'),
      test('limits (skipped: needs redis-server) > are shared'),
      test('limits (skipped: needs redis-server) > recover'),
      test('limits > hold', 'passed'),
    ]
    const module = { children: { allTests: () => tests } } as unknown as TestModule
    expect(describeSkipped([module])).toEqual([
      'Skipped 2 tests: they need redis-server.',
      'Skipped 1 test: it needs helm.',
    ])
  })
})

describe('describeFailed', () => {
  test('names each failed test and suite with the first line of its message', () => {
    const outcome = (fullName: string, state: State, errors: readonly { message: string }[] = []) => ({
      fullName,
      result: () => ({ state, errors }),
    })
    const module = {
      type: 'module',
      relativeModuleId: 'tests/limits.test.ts',
      errors: () => [],
      children: {
        allSuites: () => [{ type: 'suite', fullName: 'limits', errors: () => [{ message: 'no port' }] }],
        allTests: () => [
          outcome('limits > hold', 'passed'),
          outcome('limits > end', 'failed', [{ message: 'expected 1\nto be 2' }]),
          outcome('limits > stay', 'pending'),
        ],
      },
    } as unknown as TestModule
    expect(describeFailed([module])).toEqual([
      'Failed: tests/limits.test.ts > limits: no port',
      'Failed: tests/limits.test.ts > limits > end: expected 1',
      'Failed: tests/limits.test.ts > limits > stay: it did not end',
    ])
  })
})
