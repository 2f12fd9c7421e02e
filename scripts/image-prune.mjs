// Removes from node_modules/ and dist/ what the program does not load. The Dockerfile runs it in /app after the
// build.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

// Users of the package install optional packages themselves. The image includes them.
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const { peerDependencies: optional = {}, peerDependenciesMeta: _, ...rest } = manifest
for (const name of Object.keys(optional)) delete rest.devDependencies[name]
rest.dependencies = { ...rest.dependencies, ...optional }
writeFileSync('package.json', `${JSON.stringify(rest, null, 2)}\n`)
execFileSync('npm', ['prune', '--omit=dev', '--offline', '--ignore-scripts', '--no-audit', '--no-fund'], {
  stdio: 'inherit',
})
delete rest.devDependencies
writeFileSync('package.json', `${JSON.stringify(rest, null, 2)}\n`)

const unused = /\.([cm]?ts|map|md|markdown|flow|tsbuildinfo)$/i

for (const folder of ['node_modules', 'dist']) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const isLicense = /licen[cs]e|notice/i.test(entry.name)
    if (unused.test(entry.name) && !isLicense) rmSync(path)
  }
}
