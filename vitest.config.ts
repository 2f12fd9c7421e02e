import { defineConfig } from 'vitest/config'

const setupFiles = ['./tests/support/fail-on-warning.ts']

/** One run, two projects: so one exit code and one count cover all tests, whatever they are run against. */
export default defineConfig({
  test: {
    reporters: ['default', './tests/support/counts-reporter.ts'],
    dangerouslyIgnoreUnhandledErrors: false,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
          exclude: ['tests/e2e/**', 'node_modules/**'],
          setupFiles,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          setupFiles,
          globalSetup: ['./tests/support/require-build.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // After the unit tests, which would slow the servers that these tests start.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
