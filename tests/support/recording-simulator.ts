import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { createApp } from '../../src/server/app.ts'
import { assembleSimulator } from '../../src/server/simulator.ts'
import { loadLiveConfig } from '../../src/config/live-config.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Recorder } from '../../src/recordings/record-mode.ts'
import { listen } from '../../src/server/listen.ts'
import { type FakeAnswer, type FakeUpstream, startFakeUpstream } from './fake-upstream.ts'
import { filesInMemory } from './files-in-memory.ts'
import { recordingFolder } from './recording-folder.ts'
import { collectInto, type LogLine } from './test-logger.ts'
import { testKey, testSimulator, type TestSimulator } from './test-simulator.ts'

/** The operator's key for the upstream under test. */
export const upstreamKey = 'upstream-key-0123456789'

/** What is recorded from, and into which folder. Each test has its own of both, until it has ended. */
export interface RecordingPlace {
  readonly upstream: FakeUpstream
  /** Empty when the test begins; it may do with the folder what it likes. */
  readonly dir: string
}

/** A simulator in record mode, in this process, until the test has ended. */
export interface RecordingSimulator<C extends Clock> extends TestSimulator<C> {
  readonly recorder: Recorder
  /** Listens on a separate port, and returns the address. */
  readonly listen: () => Promise<string>
}

/** An interaction in a file. */
export interface StoredInteraction {
  readonly request: { method: string; uri: string; headers: Record<string, string[]>; body: unknown }
  readonly response: {
    status: { code: number; message?: string }
    headers: Record<string, string[]>
    duration_ms?: number
    body: { string?: unknown; events?: { at_ms: number; data?: string; event?: string; raw?: string }[] }
  }
}

/** Makes a new upstream, which answers like this, and a new folder in front of each test of the file. */
export function recordingPlace(answer?: FakeAnswer): RecordingPlace {
  const place: Partial<RecordingPlace> = {}
  beforeEach(async () => {
    const upstream = await startFakeUpstream(answer)
    onTestFinished(() => upstream.close())
    Object.assign(place, { upstream, dir: recordingFolder({}) })
  })
  return place as RecordingPlace
}

/** Starts a simulator that records there, unless the variables name another upstream or another folder. */
export function startRecording<C extends Clock>(
  { upstream, dir }: RecordingPlace,
  clock: C,
  env: Readonly<Record<string, string>> = {},
): RecordingSimulator<C> {
  const live = loadLiveConfig({
    flags: {},
    env: {
      SIMULATOR_MODE: 'record',
      SIMULATOR_API_KEY: testKey,
      SIMULATOR_SEED: 'record',
      AZURE_OPENAI_ENDPOINT: upstream.url,
      AZURE_OPENAI_KEY: upstreamKey,
      RECORDING_DIR: dir,
      ...env,
    },
    workingDirectory: '/',
    readFile: filesInMemory(),
  })
  const log: LogLine[] = []
  const simulator = assembleSimulator(live, { clock, logger: collectInto(log) })
  const [{ recorder } = {}] = simulator.recordings
  if (!recorder) throw new Error('not record mode')
  onTestFinished(() => recorder.close())
  const app = createApp(simulator)
  return {
    ...testSimulator({ simulator, app }, clock, log),
    recorder,
    async listen() {
      const listener = await listen(app, '127.0.0.1', 0)
      onTestFinished(() => listener.close(0))
      return listener.url
    },
  }
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
