import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { createApp, type App } from '../../src/app/app.ts'
import { assembleSimulator, type Simulator } from '../../src/app/simulator.ts'
import { loadLiveConfig } from '../../src/config/load-config.ts'
import type { Clock } from '../../src/platform/clock.ts'
import { createSystemClock } from '../../src/platform/system-clock.ts'
import { listen, type Listener } from '../../src/server/listen.ts'
import { type LogLine, testKey } from './test-simulator.ts'

/** The operator's key for the upstream under test. */
export const upstreamKey = 'upstream-key-0123456789'

/** A simulator in record mode, in this process. */
export interface RecordingSimulator {
  readonly app: App
  readonly simulator: Simulator
  readonly log: LogLine[]
  /** Opens a port of its own. */
  readonly listen: () => Promise<Listener>
  /** Sends JSON with the simulator's key. */
  readonly post: (path: string, body: unknown, init?: RequestInit) => Promise<Response>
}

/** An interaction as it stands in a file. */
export interface StoredInteraction {
  readonly request: { method: string; uri: string; headers: Record<string, string[]>; body: unknown }
  readonly response: {
    status: { code: number; message?: string }
    headers: Record<string, string[]>
    duration_ms?: number
    body: { string?: unknown; events?: { at_ms: number; data?: string; event?: string; raw?: string }[] }
  }
}

/** Builds a simulator that records from `endpoint` into `dir`; on the machine's clock unless another one is given. */
export function createRecordingSimulator(
  endpoint: string,
  dir: string,
  env: Readonly<Record<string, string>> = {},
  clock: Clock = createSystemClock(),
): RecordingSimulator {
  const live = loadLiveConfig({
    flags: {},
    env: {
      SIMULATOR_MODE: 'record',
      SIMULATOR_API_KEY: testKey,
      SIMULATOR_SEED: 'record',
      AZURE_OPENAI_ENDPOINT: endpoint,
      AZURE_OPENAI_KEY: upstreamKey,
      RECORDING_DIR: dir,
      ...env,
    },
    workingDirectory: '/',
    readFile: (path) => {
      throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
    },
  })
  const log: LogLine[] = []
  const collect = (level: string) => (fields: object, message: string) =>
    void log.push({ level, fields, message })
  const logger = {
    debug: collect('debug'),
    info: collect('info'),
    warn: collect('warn'),
    error: collect('error'),
  }
  const simulator = assembleSimulator(live, { clock, logger })
  const app = createApp(simulator)
  return {
    app,
    simulator,
    log,
    listen: () => listen(app, '127.0.0.1', 0),
    post: async (path, body, init = {}) =>
      app.request(path, {
        method: 'POST',
        body: JSON.stringify(body),
        ...init,
        headers: {
          'api-key': testKey,
          'content-type': 'application/json',
          ...(init.headers as Record<string, string>),
        },
      }),
  }
}

/** Makes an empty folder, and a function that removes it. */
export function temporaryFolder(): { readonly dir: string; readonly remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), 'aoai-sim-record-'))
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) }
}

/** The names of the recording files in a folder. */
export function recordingFiles(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
}

/** Reads a file as any YAML reader does. */
export function readRecording(dir: string, file: string): StoredInteraction[] {
  const { interactions } = parse(readFileSync(join(dir, file), 'utf8')) as {
    interactions: StoredInteraction[] | null
  }
  return interactions ?? []
}

/** Every interaction in a folder. */
export function readRecordings(dir: string): StoredInteraction[] {
  return recordingFiles(dir).flatMap((file) => readRecording(dir, file))
}
