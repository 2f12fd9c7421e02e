import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ImageConfig, Report } from './image-check.ts'

const apiKey = 'image-check-key'
const startLimitMs = 30_000
const stopLimitMs = 10_000

/**
 * Script that acts like a container engine: namespaces, a read-only root with /proc, /dev and one volume, the
 * loopback interface, and then the command.
 */
const contain = `
set -e
root=$1 volume=$2
shift 2
mount --bind "$root" "$root"
mount --bind "$volume" "$root/mnt/simulator"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"
ip link set lo up
exec setpriv --no-new-privs chroot --userspec=10001:10001 --groups= "$root" env -i -C "$WORKDIR" "$@"
`

/** A TypeScript extension, which must compile without a writable folder. */
const extension = `
import type { Extension } from 'aoai-simulated-api/extension'
const name: string = 'image-check'
export default { name, hooks: [] } satisfies Extension
`

const chat = `
const response = await fetch('http://127.0.0.1:8000/openai/deployments/chat/chat/completions?api-version=2024-10-21', {
  method: 'POST',
  headers: { 'api-key': '${apiKey}', 'content-type': 'application/json' },
  body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }),
})
console.log(JSON.stringify({ status: response.status, body: await response.json() }))`

/** Runs an image like a container engine. Checks that it answers, is healthy and stops on SIGTERM. */
export async function checkRunning(
  folder: string,
  config: ImageConfig,
  volume: string,
  report: Report,
): Promise<void> {
  mkdirSync(join(volume, 'recording'), { recursive: true })
  writeFileSync(join(volume, 'extension.ts'), extension)
  chownSync(join(volume, 'recording'), 10_001, 10_001)
  const extra = [
    `SIMULATOR_API_KEY=${apiKey}`,
    'LATENCY_TIME_SCALE=0',
    'EXTENSION_PATH=/mnt/simulator/extension.ts',
  ]
  const command = [...config.Entrypoint, ...(config.Cmd ?? [])]
  const started = Date.now()
  const container = spawn(
    'unshare',
    [
      '--mount',
      '--pid',
      '--net',
      '--ipc',
      '--uts',
      '--fork',
      '--kill-child',
      'bash',
      '-c',
      contain,
      'contain',
    ].concat([folder, volume, ...config.Env, ...extra, ...command]),
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, WORKDIR: config.WorkingDir } },
  )
  let output = ''
  for (const stream of [container.stdout, container.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  try {
    await waitFor(() => output.includes('Endpoint') || container.exitCode !== null)
    const pid = container.exitCode === null ? childOf(container) : undefined
    report(
      'the program starts with a read-only root and no /tmp',
      pid !== undefined,
      `${Date.now() - started} ms`,
    )
    if (pid === undefined) {
      console.log(output)
      return
    }
    checkInside(pid, config, report)

    const stopped = Date.now()
    process.kill(pid, 'SIGTERM')
    await Promise.race([once(container, 'exit'), sleep(stopLimitMs)])
    report('the program exits with code 0 on SIGTERM', container.exitCode === 0, `${Date.now() - stopped} ms`)
    report(
      'the program logs no error',
      !/"level":"(error|warn)"|Error:/.test(output),
      output.match(/.*(rror:|warn).*/)?.[0],
    )
  } finally {
    container.kill('SIGKILL')
  }
}

function checkInside(pid: number, config: ImageConfig, report: Report): void {
  const enter = (command: readonly string[]) =>
    spawnSync(
      'nsenter',
      [
        `--target=${pid}`,
        '--mount',
        '--pid',
        '--net',
        '--root',
        '--wd',
        '--setuid=10001',
        '--setgid=10001',
      ].concat(['env', '-i', ...config.Env, ...command]),
      { encoding: 'utf8', timeout: 10_000 },
    )
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const inner = /^NSpid:.*\t(\d+)$/m.exec(status)?.[1]
  report('process 1 is node', inner === '1' && /^Name:\s+node$/m.test(status), `process ${inner}`)
  const isPlain = /^Uid:\s+10001\s+10001/m.test(status) && /^CapEff:\s+0+$/m.test(status)
  report('the process has user 10001 and no capabilities', isPlain)

  const [kind, ...health] = config.Healthcheck.Test
  const healthy = enter(health)
  report('HEALTHCHECK succeeds', kind === 'CMD' && healthy.status === 0, healthy.stderr.slice(0, 300))
  const unhealthy = enter(['PORT=8001', ...health])
  report('HEALTHCHECK fails if the port is closed', unhealthy.status === 1)

  const answer = enter(['node', '--input-type=module', '--eval', chat])
  const { status: code, body } = parse(answer.stdout)
  report(
    'the program answers a chat completion',
    code === 200 && body?.usage?.completion_tokens === 5,
    answer.stderr,
  )

  const write = (path: string) =>
    enter(['node', '--eval', `require('node:fs').writeFileSync('${path}', '')`]).status === 0
  report(
    'the program cannot change its own files',
    !write('/app/dist/x') && !write('/tmp/x') && !write('/app/x'),
  )
  report('the program can write recordings', write('/mnt/simulator/recording/x'))
  const replay = enter(['RECORDING_DIR=/app/recordings', ...config.Entrypoint, 'recordings', 'list'])
  report('the image has the sample recordings', replay.status === 0, replay.stderr)
}

interface Answer {
  readonly status?: number
  readonly body?: { readonly usage?: { readonly completion_tokens: number } }
}

function parse(text: string): Answer {
  try {
    return JSON.parse(text) as Answer
  } catch {
    return {}
  }
}

/** Returns the process that `unshare --fork` has started. */
function childOf({ pid }: ChildProcess): number | undefined {
  const [child] = readdirSync(`/proc/${pid}/task`).map((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim(),
  )
  return child ? Number(child.split(' ')[0]) : undefined
}

async function waitFor(isTrue: () => boolean): Promise<void> {
  const end = Date.now() + startLimitMs
  while (!isTrue() && Date.now() < end) await sleep(50)
}
