// Checks the files that npm would publish: all that users need, and no internal files.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const root = new URL('..', import.meta.url)
const { bin, exports: entries } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

/** Files that package.json declares for programs that import or run the package. */
const promised = [bin, entries].flatMap((part) => leaves(part)).map((path) => path.replace(/^\.\//, ''))
const required = [
  ...promised,
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'docs/config.md',
  'sample.env',
  'dist/ui/index.html',
  'dist/third-party-licenses.txt',
]

function leaves(value) {
  return typeof value === 'string' ? [value] : Object.values(value).flatMap((part) => leaves(part))
}

const forbidden = [
  /(^|\/)tests?\//,
  // Tests of the examples are published, because they show how to write tests.
  /^(?!examples\/).*\.test\.[a-z.]+$/,
  /(^|\/)\.env/,
  /^src\//,
  /^ui\//,
  /^dist\/ui\/.*\.map$/,
  /^bench\//,
  /^node_modules\//,
]

const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
  cwd: root,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
})
const paths = JSON.parse(output)[0].files.map(({ path }) => path)

const problems = [
  ...required.filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
  ...paths
    .filter((path) => forbidden.some((pattern) => pattern.test(path)))
    .map((path) => `${path} must not be included`),
]
for (const problem of problems) {
  console.error(
    `Could not accept the package: ${problem}. See "files" in package.json and scripts/check-package.mjs.`,
  )
}
if (problems.length > 0) process.exit(1)
console.log(`The package has ${paths.length} files. All checks passed.`)
