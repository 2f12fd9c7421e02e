// Builds dist/ whenever npm makes a package of this folder: npm pack, npm publish, and an installation from git. npm runs it
// after npm ci and npm install, too, unless they leave scripts out as make does.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const root = new URL('..', import.meta.url)
const npm = process.env.npm_execpath ?? ''
const isPacked = ['pack', 'publish'].includes(process.env.npm_command ?? '')

/** Runs npm again, with what it prints on standard error: standard output may be read by a program. */
function runNpm(...args) {
  execFileSync(process.execPath, [npm, ...args], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
  })
}

const hasCompiler = () => existsSync(new URL('node_modules/typescript', root))

if (!hasCompiler() && isPacked) {
  // Settings of the outer npm, such as --dry-run, --json or --omit=dev, come along as variables.
  runNpm('ci', '--ignore-scripts', '--include=dev', '--no-dry-run', '--no-json', '--no-audit', '--no-fund')
}
// npm ci --omit=dev leaves the compiler out: who does so builds elsewhere.
if (hasCompiler()) runNpm('run', '--silent', 'build')
