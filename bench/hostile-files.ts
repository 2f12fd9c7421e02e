import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGzip, gzipSync } from 'node:zlib'
import { chat, chatPath, recordingOf, send, tally, type HostileCase, type Target } from './hostile-target.ts'
import { startUpstream } from './hostile-upstream.ts'

const MB = 1_000_000

/** Time limit of the command `recordings lint`, in milliseconds. */
const lintLimitMs = 10_000

/** Time until a changed folder has been read again, in milliseconds. */
const watchMs = 3_000

const timetable = (name: string, yaml: string): HostileCase => ({
  name,
  attack: (target) =>
    send(target, {
      path: '/++/incidents/start',
      body: yaml,
      headers: { 'content-type': 'application/yaml' },
    }),
})

/** Returns nested aliases: a few hundred bytes for more values than fit into memory. */
function aliasBomb(indent: string): string {
  let yaml = `${indent}a0: &a0 [x, x, x, x, x, x, x, x, x]\n`
  for (let level = 1; level <= 9; level++) {
    const alias = `*a${level - 1}`
    yaml += `${indent}a${level}: &a${level} [${Array.from({ length: 9 }, () => alias).join(', ')}]\n`
  }
  return yaml
}

const bombs: Readonly<Record<string, () => string>> = {
  'aliases before the items': () => `version: 1\n${aliasBomb('')}interactions: []\n`,
  'aliases in an item': () => `${recordingOf('{}')}  extra:\n${aliasBomb('    ')}`,
  'a list 3,000 deep': () => {
    let yaml = 'interactions:\n'
    for (let level = 0; level < 3_000; level++) yaml += `${' '.repeat(level)}-\n`
    return yaml
  },
  '100 KB of quotes': () => '"'.repeat(100_000),
  '80 KB of [}': () => '[}'.repeat(40_000),
}

/** YAML that is much larger in memory, or much slower to parse, than its size suggests. */
export const fileCases: readonly HostileCase[] = [
  timetable('timetable: 100 KB of quotes', '"'.repeat(100_000)),
  timetable('timetable: 80 KB of [}', '[}'.repeat(40_000)),
  timetable('timetable: 1 MB of quotes', '"'.repeat(MB)),
  timetable('timetable: 1 MB of comments', '# x\n'.repeat(250_000)),
  timetable('timetable: 0.5 MB of [', '['.repeat(500_000)),
  timetable('timetable: aliases', aliasBomb('')),
  ...Object.entries(bombs).map(([name, yaml]) => lintCase(name, yaml)),
  ...Object.entries(bombs).map(([name, yaml]) => watchCase(name, yaml)),
  {
    name: 'recording: lint of a folder with a pipe',
    attack: async (target) => {
      const folder = join(target.folder, 'linted')
      mkdirSync(folder, { recursive: true })
      execFileSync('mkfifo', [join(folder, 'b.yaml')])
      return lint(target, folder)
    },
  },
  {
    name: 'recording: body of 1 MB that unpacks to 1 GB',
    env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: 'FOLDER/recordings' },
    files: (folder) => {
      mkdirSync(join(folder, 'recordings'), { recursive: true })
      const bytes = gzipSync(Buffer.alloc(1_000 * MB, 'a'), { level: 9 }).toString('base64')
      const answer = `body:\n      base64_string: ${bytes}`
      const text = recordingOf(chat({}), answer).replace(
        'content-type: [application/json]\n    body',
        'content-type: [application/json]\n      content-encoding: [gzip]\n    body',
      )
      writeFileSync(join(folder, 'recordings', 'a.yaml'), text)
    },
    attack: async (target) => {
      const results = []
      for (let attempt = 0; attempt < 3; attempt++)
        results.push(await send(target, { path: chatPath, body: chat({}) }))
      return tally(results)
    },
  },
  recordCase(
    'record: answer of 1 MB that unpacks to 1 GB',
    (write, end) => {
      const gzip = createGzip({ level: 9 })
      gzip.on('data', write).on('end', end)
      void feed(1_000, (part) => gzip.write(part), gzip).then(() => gzip.end())
    },
    { 'content-encoding': 'gzip' },
  ),
  recordCase('record: answer of 600 MB in chunks', (write, end, drained) => {
    void (async () => {
      for (let sent = 0; sent < 600; sent++) if (!write(Buffer.alloc(MB, ' '))) await drained()
      end()
    })()
  }),
  recordCase(
    'record: answer of 40 MB with content-length',
    (write, end, drained) => {
      void (async () => {
        for (let sent = 0; sent < 40; sent++) if (!write(Buffer.alloc(MB, ' '))) await drained()
        end()
      })()
    },
    { 'content-length': String(40 * MB) },
  ),
  recordCase(
    'record: stream of 40 MB',
    (write, end, drained) => {
      const event = `data: {"x":"${'a'.repeat(1_000)}"}\n\n`
      const part = Buffer.from(event.repeat(1_000))
      void (async () => {
        for (let sent = 0; sent < 40; sent++) if (!write(part)) await drained()
        end()
      })()
    },
    { 'content-type': 'text/event-stream' },
  ),
  recordCase(
    'record: 500,000 events',
    (write, end, drained) => {
      const part = Buffer.from('data: {"x":1}\n\n'.repeat(10_000))
      void (async () => {
        for (let sent = 0; sent < 50; sent++) if (!write(part)) await drained()
        end()
      })()
    },
    { 'content-type': 'text/event-stream' },
  ),
]

function lintCase(name: string, yaml: () => string): HostileCase {
  return {
    name: `recording: lint of ${name}`,
    attack: (target) => {
      const folder = join(target.folder, 'linted')
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'b.yaml'), yaml())
      return lint(target, folder)
    },
  }
}

/** Runs the lint command. The server of the case runs at the same time. */
function lint(target: Target, folder: string): Promise<string> {
  const child = spawn(
    process.execPath,
    ['--max-old-space-size=512', target.program, 'recordings', 'lint', folder],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: target.folder,
    },
  )
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return new Promise((resolve) => {
    const limit = setTimeout(() => child.kill('SIGKILL'), lintLimitMs)
    child.once('close', (code) => {
      clearTimeout(limit)
      const stack = /^ {4}at /m.test(errors) ? ' with a stack' : ''
      resolve(code === null ? 'HANGS' : `exit ${code}${stack}`)
    })
  })
}

function watchCase(name: string, yaml: () => string): HostileCase {
  return {
    name: `recording: watched folder with ${name}`,
    env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: 'FOLDER/recordings', WATCH: 'true' },
    files: (folder) => {
      mkdirSync(join(folder, 'recordings'), { recursive: true })
      writeFileSync(join(folder, 'recordings', 'a.yaml'), recordingOf(chat({})))
    },
    attack: async (target) => {
      writeFileSync(join(target.folder, 'recordings', 'b.yaml'), yaml())
      await sleep(watchMs)
      return send(target, { path: chatPath, body: chat({}) })
    },
  }
}

type Write = (part: Buffer) => boolean

function recordCase(
  name: string,
  answer: (write: Write, end: () => void, drained: () => Promise<void>) => void,
  headers: Readonly<Record<string, string>> = {},
): HostileCase {
  return {
    name,
    env: { SIMULATOR_MODE: 'record', RECORDING_DIR: 'FOLDER/recordings' },
    before: () =>
      startUpstream((response) => {
        response.writeHead(200, { 'content-type': 'application/json', ...headers })
        answer(
          (part) => response.write(part),
          () => response.end(),
          () =>
            new Promise((resolve) => {
              const done = (): void => {
                response.off('drain', done).off('close', done)
                resolve()
              }
              response.on('drain', done).on('close', done)
            }),
        )
      }),
    attack: (target) => send(target, { path: chatPath, body: chat({}) }),
  }
}

/** Writes the given number of megabytes with backpressure. */
async function feed(
  megabytes: number,
  write: Write,
  stream: { once(event: 'drain', listener: () => void): unknown },
): Promise<void> {
  for (let sent = 0; sent < megabytes; sent++) {
    if (!write(Buffer.alloc(MB, 'a'))) await new Promise<void>((resolve) => stream.once('drain', resolve))
  }
}
