// Fails if this Node.js version is too old. The range is read from package.json.
import { readFileSync } from 'node:fs'

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const needed = engines.node.replace('>=', '').split('.').map(Number)
const found = process.versions.node.split('.').map(Number)
const firstDifference = found.findIndex((part, index) => part !== needed[index])

if (firstDifference >= 0 && found[firstDifference] < needed[firstDifference]) {
  console.error(
    `Could not start: Node.js ${engines.node} is required (got ${process.versions.node}). ` +
      'Install a newer one from https://nodejs.org or with a version manager, then run make again.',
  )
  process.exit(1)
}
