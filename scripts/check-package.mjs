// Checks what npm would publish: everything that a user needs, and nothing that is ours alone.
import { execFileSync } from 'node:child_process'

const required = [
  'dist/index.js',
  'dist/index.d.ts',
  'dist/cli/main.js',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
]
const forbidden = [
  /(^|\/)tests?\//,
  /\.test\.[a-z.]+$/,
  /(^|\/)\.env/,
  /^src\//,
  /^bench\//,
  /^node_modules\//,
]

const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
  cwd: new URL('..', import.meta.url),
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
})
const paths = JSON.parse(output)[0].files.map(({ path }) => path)

const problems = [
  ...required.filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
  ...paths
    .filter((path) => forbidden.some((pattern) => pattern.test(path)))
    .map((path) => `${path} must not be in it`),
]
for (const problem of problems) {
  console.error(
    `Could not accept the package: ${problem}. See "files" in package.json and scripts/check-package.mjs.`,
  )
}
if (problems.length > 0) process.exit(1)
console.log(`The package holds ${paths.length} files, all as they should be.`)
