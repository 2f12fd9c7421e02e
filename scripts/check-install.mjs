// Exits with 0 if node_modules matches package-lock.json, so that make can skip npm ci.
// Compares contents, because a checkout changes the date of the lock file.
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
