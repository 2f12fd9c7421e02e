// Builds dist/ when npm packs this folder: npm pack, npm publish, and installation from git. npm also runs it after
// npm ci and npm install, unless scripts are disabled, as make does.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const root = new URL('..', import.meta.url)
const npm = process.env.npm_execpath ?? ''
const isPacked = ['pack', 'publish'].includes(process.env.npm_command ?? '')

/** Runs npm again with its output on standard error, because programs can parse standard output. */
function runNpm(...args) {
  execFileSync(process.execPath, [npm, ...args], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
  })
}

const hasCompiler = () => existsSync(new URL('node_modules/typescript', root))

if (!hasCompiler() && isPacked) {
  // Options of the outer npm, such as --dry-run, --json or --omit=dev, are inherited as environment variables.
  runNpm('ci', '--ignore-scripts', '--include=dev', '--no-dry-run', '--no-json', '--no-audit', '--no-fund')
}
// npm ci --omit=dev does not install the compiler. The build then runs elsewhere.
if (hasCompiler()) runNpm('run', '--silent', 'build')
