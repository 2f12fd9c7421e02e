import type { KnipConfig } from 'knip'

/** With `--production`: what only tests, scripts and benchmarks use counts as unused. */
const isProduction = process.argv.includes('--production')

const config: KnipConfig = {
  entry: [
    'src/index.ts!',
    'src/extension.ts!',
    'ui/main.tsx!',
    // Replaces built-in-encodings.ts in dist/.
    'src/tokens/packed-encodings.ts!',
    ...(isProduction ? ['src/cli/main.ts!'] : []),
    'scripts/*.{mjs,ts}',
    'bench/{run,changes,check,hostile,memory,redis-cost,soak,soak-load,timing}.ts',
    'bench/*.mjs',
    'examples/**/*.{ts,mjs,js}',
  ],
  project: [
    'src/**/*.ts!',
    'ui/**/*.{ts,tsx}!',
    '!{src,ui}/**/*.test.ts!',
    '{tests,scripts,bench,examples}/**/*.{ts,mjs}',
  ],
  ignore: ['tests/clients/**'],
  // A test may import a part of a file that only the rest of this file uses otherwise.
  ignoreExportsUsedInFile: isProduction || { interface: true, type: true },
  ignoreIssues: isProduction
    ? {
        // scripts/setup-tiktoken.ts writes the official files, and the tests of src/tokens read them.
        'src/tokens/encoding-files.ts': ['exports'],
      }
    : {},
  ignoreBinaries: ['make', 'taskset', 'unshare', 'nsenter', 'mkfifo', 'chrt'],
  ignoreDependencies: ['k6', 'oxlint', 'oxlint-tsgolint'],
}

export default config
