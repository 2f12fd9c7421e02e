import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const cores = Math.max(2, availableParallelism())

/** Tests that check state of the whole process (memory, timers, watchers, loaded modules) or replace modules. */
const alone = [
  'src/lib/clock.test.ts',
  'src/server/watch-files.test.ts',
  'src/tokens/read-token-folder.test.ts',
  'tests/integration/hostile-clients.test.ts',
  'tests/integration/setup-tiktoken.test.ts',
]

/** End-to-end tests that compare real times. They need half of the cores, and run after all other tests. */
const measuring = ['load', 'timing'].map((name) => `tests/e2e/${name}.test.ts`)

/** The files that take longest, in this order. They start first, so that no core is idle at the end. */
const longest = [
  'integration/hostile-clients',
  'e2e/documents',
  'e2e/stop-while-starting',
  'e2e/redis-replicas',
  'e2e/workers',
  'e2e/deploy-scripts',
  'e2e/hostile',
  'e2e/openai-client',
  'e2e/redis-tls',
  'e2e/stop',
  'e2e/examples',
  'e2e/config-store',
  'e2e/redis-workers',
  'e2e/many-connections',
  'e2e/package',
  'integration/load',
  'integration/redis-cluster',
  'integration/hostile-requests',
].map((name) => `tests/${name}.test.ts`)

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((one, other) => compareKeys(orderOf(one), orderOf(other)))
  }
}

/**
 * The unit project is last, and without other files in between: its processes then load each module once. The files
 * of unit-alone mostly wait, so they run beside the first end-to-end tests.
 */
function orderOf({ moduleId, project }: TestSpecification): number[] {
  const place = longest.findIndex((path) => moduleId.endsWith(path))
  return [
    project.config.sequence.groupOrder,
    ['unit-alone', 'e2e', 'unit'].indexOf(project.name),
    place === -1 ? longest.length : place,
  ]
}

function compareKeys(one: readonly number[], other: readonly number[]): number {
  const index = one.findIndex((key, at) => key !== other[at])
  return index === -1 ? 0 : (one[index] ?? 0) - (other[index] ?? 0)
}

const unit = ['src/**/*.test.ts', 'ui/**/*.test.ts', 'tests/**/*.test.ts']
const e2e = ['tests/e2e/**/*.test.ts']
const modules = ['**/node_modules/**']

/** No test depends on how fast the machine is; where one ends by this limit, it hangs. */
const limits = { testTimeout: 180_000, hookTimeout: 180_000 }
/** Less garbage collection: a tenth of the processor time. Not for tests that measure memory. */
const largeHeap = { execArgv: ['--max-semi-space-size=64', '--min-semi-space-size=16'] }
const common = { setupFiles: ['./tests/support/fail-on-warning.ts'], ...limits }
const endToEnd = {
  ...common,
  globalSetup: ['./tests/support/require-build.ts'],
  // Node.js loads the build itself, so that its code is not transformed.
  server: { deps: { external: [/\/dist\//] } },
}

/** One run for all projects: so one exit code and one count cover all tests, whatever they are run against. */
export default defineConfig({
  test: {
    reporters: ['default', './tests/support/counts-reporter.ts'],
    dangerouslyIgnoreUnhandledErrors: false,
    // More than there are cores: many tests wait for programs that they start. `expect.poll` waits one second by default.
    maxWorkers: cores + 2,
    expect: { poll: { timeout: 20_000 } },
    sequence: { sequencer: LongestFirst },
    // Only code that runs in the process of a test counts: workers, the built program and its commands run in others.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.test.ts'],
      reporter: ['html', 'json-summary'],
      reportOnFailure: true,
    },
    projects: [
      {
        extends: true,
        // Files that share a process load each module once: half of the time.
        test: {
          name: 'unit',
          include: unit,
          exclude: [...e2e, ...alone, ...modules],
          isolate: false,
          ...largeHeap,
          ...common,
        },
      },
      { extends: true, test: { name: 'unit-alone', include: alone, ...common } },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: e2e,
          exclude: [...measuring, ...modules],
          isolate: false,
          ...largeHeap,
          ...endToEnd,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e-measuring',
          include: measuring,
          maxWorkers: cores,
          sequence: { groupOrder: 1 },
          ...endToEnd,
        },
      },
    ],
  },
})
