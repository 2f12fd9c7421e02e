import type { Reporter, SerializedError, TestModule, TestSuite } from 'vitest/node'

/** How many tests ended in which way. */
export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/**
 * Counts the tests of a run. What made tests impossible counts as one failure each, so that a red run never
 * says `0 failed`: a file that does not load, a hook around a suite that throws, an uncaught error.
 * A test that was begun and never ended is a failure too.
 */
export function countTests(
  modules: readonly TestModule[],
  unhandledErrors: readonly SerializedError[],
): Counts {
  const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
  for (const module of modules) {
    for (const suite of [module, ...module.children.allSuites()]) counts.failed += failedItself(suite) ? 1 : 0
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      counts[state === 'pending' ? 'failed' : state] += 1
    }
  }
  return counts
}

function failedItself(suite: TestModule | TestSuite): boolean {
  return suite.errors().length > 0
}

/** `12 passed, 0 failed`, and `, 1 skipped` where there are any: the form that CI reads. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** A note in the title of a test or a suite that needs programs; `needs()` writes it. */
const missingPrograms = /\(skipped: needs ([^)]*)\)/

/** Which tests were skipped for which programs, a line each, most tests first: `Skipped 61 tests: they need redis-server.` */
export function describeSkipped(modules: readonly TestModule[]): string[] {
  const counts = new Map<string, number>()
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      if (test.result().state !== 'skipped') continue
      const programs = missingPrograms.exec(test.fullName)?.[1] ?? ''
      counts.set(programs, (counts.get(programs) ?? 0) + 1)
    }
  }
  return [...counts]
    .toSorted(([, one], [, other]) => other - one)
    .map(([programs, count]) => {
      const tests = count === 1 ? '1 test' : `${count} tests`
      return `Skipped ${tests}: ${programs === '' ? 'see the output above' : `${count === 1 ? 'it needs' : 'they need'} ${programs}`}.`
    })
}

/** What failed, a line each with the first line of its message: the end of a long log is read first, and may be all that is kept. */
export function describeFailed(modules: readonly TestModule[]): string[] {
  return modules.flatMap((module) => {
    const lineOf = (name: string, errors: readonly SerializedError[] = []): string =>
      `Failed: ${[module.relativeModuleId, name].filter(Boolean).join(' > ')}: ${errors[0]?.message.split('\n')[0] ?? 'it did not end'}`
    const suites = [module, ...module.children.allSuites()].filter(failedItself)
    const tests = [...module.children.allTests()].filter((test) => /failed|pending/.test(test.result().state))
    return [
      ...suites.map((suite) => lineOf(suite.type === 'suite' ? suite.fullName : '', suite.errors())),
      ...tests.map((test) => lineOf(test.fullName, test.result().errors)),
    ]
  })
}

/** Prints what failed and the counts of the whole run, over all projects, as the last lines that vitest writes. */
export default class CountsReporter implements Reporter {
  #counts: Counts | undefined
  #notes: readonly string[] = []

  onInit(): void {
    // Other reporters, and vitest itself while it closes, write after onTestRunEnd; nothing writes after exit.
    process.once('exit', () => {
      if (!this.#counts) return
      process.stdout.write([...this.#notes, formatCounts(this.#counts)].map((line) => `${line}\n`).join(''))
    })
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    this.#counts = countTests(modules, unhandledErrors)
    this.#notes = [...describeSkipped(modules), ...describeFailed(modules)]
  }
}
