// Checks the image without Docker. Lints the Dockerfile, builds it with buildah on a base of the local Node.js, and
// runs it in namespaces like a container engine: read-only root, no network, user 10001, node as process 1.
//
//   make image-check                       network_type=restricted, built without a network
//   make image-check IMAGE_CHECK=all       all network types; needs the registry
//   make image-check BUILDAH=/path/to/it   path of buildah
import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { lintDockerfile, parseDockerfile } from './dockerfile.ts'
import { checkContents } from './image-check-contents.ts'
import { checkRunning } from './image-check-running.ts'

/** The checked parts of an image configuration. */
export interface ImageConfig {
  readonly User: string
  readonly WorkingDir: string
  readonly Env: readonly string[]
  readonly Entrypoint: readonly string[]
  readonly Cmd?: readonly string[] | null
  readonly ExposedPorts: Readonly<Record<string, object>>
  readonly Healthcheck: { readonly Test: readonly string[] }
}

/** Prints the result of a check and counts failures. */
export type Report = (what: string, isFine: boolean, details?: string) => void

const root = resolve(import.meta.dirname, '..')
const isThorough = process.env['IMAGE_CHECK'] === 'all'
const buildah = process.env['BUILDAH'] ?? 'buildah'
const work = mkdtempSync(join(tmpdir(), 'aoai-image-'))
const tarball = join(work, 'root.tar')
let problems = 0

const report: Report = (what, isFine, details = '') => {
  console.log(`  ${isFine ? 'ok  ' : 'FAIL'} ${what}${details && ` (${details.trim()})`}`)
  if (!isFine) problems++
}

function fail(message: string): never {
  throw new Error(message)
}

function runBuildah(args: readonly string[], wrap: readonly string[] = []): SpawnSyncReturns<string> {
  const [first = '', ...rest] = [...wrap, buildah, ...globalFlags(), ...args]
  return spawnSync(first, rest, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, BUILDAH_ISOLATION: 'chroot' },
  })
}

/** Separate storage, so that images and settings of the machine are not touched. */
function globalFlags(): string[] {
  const flags = { root: 'store', runroot: 'run', 'registries-conf': 'registries.conf' }
  return Object.entries(flags).flatMap(([flag, name]) => [`--${flag}`, join(work, name)])
}

function build(tag: string, args: readonly string[], wrap: readonly string[] = []): SpawnSyncReturns<string> {
  const common = ['bud', '--signature-policy', join(work, 'policy.json'), '--format', 'docker', '--tag', tag]
  return runBuildah([...common, '--pull-never', ...args], wrap)
}

function mustBuild(tag: string, args: readonly string[], wrap: readonly string[] = []): void {
  const { status, stdout, stderr, error } = build(tag, args, wrap)
  if (status !== 0)
    fail(`Could not build ${tag}: buildah ended with ${status} ${error ?? ''}.\n${stdout}\n${stderr}`)
}

function makeBase(): void {
  const context = join(work, 'base')
  execFileSync(join(root, 'scripts/image-check-base.sh'), [join(context, 'rootfs')], { stdio: 'inherit' })
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY rootfs/ /\n')
  mustBuild('localhost/node-base', ['--file', join(context, 'Dockerfile'), context])
}

/** Arguments for building the Dockerfile of the repository. */
function buildArgs(networkType: string, ...more: readonly string[]): string[] {
  const ca = process.env['NODE_EXTRA_CA_CERTS']
  const secrets = ca ? ['--secret', `id=ca,src=${ca}`] : []
  const args = ['--build-arg', 'NODE_IMAGE=localhost/node-base', '--build-arg', `network_type=${networkType}`]
  return [...args, ...secrets, ...more, '--file', 'Dockerfile', '.']
}

function checkRejected(what: string, networkType: string, message: RegExp): void {
  const { status, stdout, stderr } = build('localhost/rejected', buildArgs(networkType))
  report(`${what} is rejected`, status !== 0 && message.test(stdout + stderr))
}

function buildAll(): void {
  if (!existsSync(join(root, '.npm-cache.tgz')))
    fail(
      'Could not build: .npm-cache.tgz is missing. Run make pack-dependencies on a machine with a network.',
    )
  // A separate network namespace without any interface, not even loopback.
  mustBuild('localhost/restricted', buildArgs('restricted', '--output', `type=tar,dest=${tarball}`), [
    'unshare',
    '--net',
  ])
  report('network_type=restricted builds without a network', true)
  if (!isThorough) return
  mustBuild('localhost/unrestricted', buildArgs('unrestricted'))
  report('network_type=unrestricted builds from the registry', true)
  const mirror = ['--build-arg', 'NPM_REGISTRY=https://registry.npmjs.org/']
  mustBuild('localhost/semi', buildArgs('semi-restricted', ...mirror))
  report('network_type=semi-restricted builds from a mirror', true)
  const npmrc = join(work, 'npmrc')
  writeFileSync(npmrc, 'registry=https://registry.npmjs.org/\n')
  mustBuild('localhost/semi-secret', buildArgs('semi-restricted', '--secret', `id=npmrc,src=${npmrc}`))
  report('network_type=semi-restricted builds with the secret npmrc', true)
  mustBuild('localhost/semi-public', buildArgs('semi-restricted'))
  report('network_type=semi-restricted builds from the public registry without a mirror', true)
  checkRejected('an unknown network_type', 'none', /must be unrestricted, semi-restricted or restricted/)
}

function inspect(tag: string): ImageConfig {
  const { stdout, stderr } = runBuildah(['inspect', '--type', 'image', tag])
  if (stdout === '') fail(`Could not inspect ${tag}: ${stderr}`)
  const { Docker } = JSON.parse(stdout) as { Docker: { config: ImageConfig } }
  return Docker.config
}

/** Unpacks the build result with owners and modes. */
function unpack(): string {
  const folder = join(work, 'root')
  mkdirSync(folder)
  execFileSync('tar', [
    '--extract',
    '--preserve-permissions',
    '--numeric-owner',
    '--file',
    tarball,
    '-C',
    folder,
  ])
  return folder
}

async function main(): Promise<void> {
  console.log('Dockerfile')
  const found = lintDockerfile(parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8')))
  report('the Dockerfile follows the rules', found.length === 0, found.join(' '))

  if (process.getuid?.() !== 0) fail('Could not build: namespaces require root. Run the command as root.')
  const { stdout: version } = spawnSync(buildah, ['--version'], { encoding: 'utf8' })
  if (!version) fail('Could not build: buildah is missing. Run apt-get install buildah, or set BUILDAH.')
  console.log(`\nBuild (${version.trim()}, Node.js ${process.version} of this machine as the base)`)
  writeFileSync(join(work, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
  writeFileSync(join(work, 'registries.conf'), '')
  makeBase()
  buildAll()

  const config = inspect('localhost/restricted')
  const folder = unpack()
  console.log('\nContents')
  checkContents(folder, config, report)
  console.log('\nRunning')
  await checkRunning(folder, config, join(work, 'volume'), report)
}

try {
  await main()
  console.log(problems === 0 ? '\nAll checks passed.' : `\n${problems} checks failed.`)
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`)
  problems++
} finally {
  rmSync(work, { recursive: true, force: true })
}
process.exitCode = problems === 0 ? 0 : 1
