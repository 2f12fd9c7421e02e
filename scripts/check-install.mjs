// Exits with 0 when node_modules holds what package-lock.json names, so that make can leave out npm ci.
// Contents decide, not dates: a checkout gives the lock file a new date without changing it.
import { readFileSync } from 'node:fs'

function packagesIn(path) {
  try {
    return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).packages
  } catch {
    return undefined
  }
}

const wanted = packagesIn('../package-lock.json')
const installed = packagesIn('../node_modules/.package-lock.json')

function isInstalled([path, entry]) {
  const found = installed[path]
  if (path === '') return true
  return found
    ? found.version === entry.version && found.integrity === entry.integrity
    : entry.optional === true
}

process.exit(wanted && installed && Object.entries(wanted).every(isInstalled) ? 0 : 1)
