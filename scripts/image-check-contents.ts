import { readdirSync, readFileSync, lstatSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { ImageConfig, Report } from './image-check.ts'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** Checks the files in an image and its configuration. */
export function checkContents(folder: string, config: ImageConfig, report: Report): void {
  const app = join(folder, 'app')
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
  const entries = readdirSync(app, { recursive: true, withFileTypes: true })
  const paths = entries.map((entry) => join(entry.parentPath, entry.name))
  const inApp = paths.map((path) => relative(app, path))

  const forbidden = inApp.filter(
    (path) =>
      /^(src|tests|scripts|bench|docs|examples|infra)(\/|$)|^\.|\.tgz$/.test(path) ||
      /^dist\/.*\.(test\.js|ts|map)$/.test(path) ||
      (path.endsWith('.ts') && path.startsWith('node_modules/')),
  )
  report(
    'the image has no sources, tests or scripts',
    forbidden.length === 0,
    forbidden.slice(0, 5).join(', '),
  )

  const shipped = { ...manifest.dependencies, ...manifest.peerDependencies }
  const tools = Object.keys(manifest.devDependencies).filter((name) => !(name in shipped))
  const leftOver = tools.filter((name) => inApp.includes(`node_modules/${name}`))
  report('the image has no development dependencies', leftOver.length === 0, leftOver.join(', '))
  const missing = Object.keys(shipped).filter((name) => !inApp.includes(`node_modules/${name}`))
  report('the image has all runtime dependencies', missing.length === 0, missing.join(', '))

  const foreign = [app, ...paths].filter((path) => {
    const { uid, mode } = lstatSync(path)
    return uid !== 0 || ((mode & 0o022) !== 0 && (mode & 0o170000) !== 0o120000)
  })
  report(
    'all files belong to root and are writable only by root',
    foreign.length === 0,
    foreign.slice(0, 5).join(', '),
  )
  const volume = lstatSync(join(folder, 'mnt/simulator/recording'))
  report('user 10001 can write recordings', volume.uid === 10_001 && volume.gid === 10_001)

  report('the image runs as user 10001', config.User === '10001:10001', config.User)
  report('the entry point is node', config.Entrypoint[0] === 'node', config.Entrypoint.join(' '))
  report('the image exposes port 8000', '8000/tcp' in config.ExposedPorts)
  for (const part of ['node_modules/', 'dist/', '']) {
    const bytes = inApp.filter((path) => path.startsWith(part)).map((path) => lstatSync(join(app, path)).size)
    console.log(`       /app/${part} has ${(bytes.reduce((sum, size) => sum + size, 0) / 1e6).toFixed(1)} MB`)
  }
}
