import { fileURLToPath } from 'node:url'
import { createApp, type App } from '../../src/server/app.ts'
import { assembleSimulator, type Simulator } from '../../src/server/simulator.ts'
import { LiveConfig, loadLiveConfig } from '../../src/config/live-config.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { createVirtualClock, type VirtualClock } from '../../src/lib/virtual-clock.ts'
import {
  type ExtensionSource,
  startSimulator,
  type StartedSimulator,
} from '../../src/server/start-simulator.ts'
import { filesInMemory } from './files-in-memory.ts'
import { type TestResource, withResources } from './resource-inputs.ts'
import { collectInto, type LogLine } from './test-logger.ts'

/** The key of every simulator under test. */
export const testKey = 'test-key'

/** A simulator in this process, on a virtual clock unless it is of another kind. */
export interface TestSimulator<C extends Clock = VirtualClock> {
  readonly app: App
  readonly simulator: Simulator
  readonly clock: C
  readonly log: LogLine[]
  /** Sends JSON with the key; `headers` may take the key away by setting it to an empty text. */
  readonly post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Response>
}

/** Variables for the environment, and the text of a deployment file. */
export interface TestSettings {
  readonly env?: Readonly<Record<string, string>>
  /** Deployments as the file has them: name to model and limits. */
  readonly deployments?: Readonly<Record<string, object>>
  /** Models as the model file has them: name to properties. */
  readonly models?: Readonly<Record<string, object>>
  /** Faults over all deployments, as their file lists them. */
  readonly faults?: readonly object[]
  /** A timetable of incidents as its file has it. */
  readonly incidents?: object
  /** The configuration file, with its sections. */
  readonly config?: object
  /** Resources beside the default one, by name. */
  readonly resources?: Readonly<Record<string, TestResource>>
}

/** Starts a simulator without delays unless the settings ask for some. */
export function createTestSimulator(settings: TestSettings = {}): TestSimulator {
  const live = loadTestConfig(settings)
  const clock = createVirtualClock()
  const log: LogLine[] = []
  const simulator = assembleSimulator(live, { clock, logger: collectInto(log) })
  return testSimulator({ simulator, app: createApp(simulator) }, clock, log)
}

/**
 * Does the same with extensions, loaded and started as the program does it.
 *
 * @param extensions paths relative to the repository, or extensions themselves
 */
export async function createExtendedSimulator(
  extensions: readonly ExtensionSource[],
  settings: TestSettings = {},
): Promise<TestSimulator> {
  const clock = createVirtualClock()
  const log: LogLine[] = []
  const workingDirectory = fileURLToPath(new URL('../..', import.meta.url))
  const parts = { clock, logger: collectInto(log), extensions, workingDirectory }
  return testSimulator(await startSimulator(loadTestConfig(settings), parts), clock, log)
}

function loadTestConfig({
  env = {},
  deployments,
  models,
  faults,
  incidents,
  config,
  resources,
}: TestSettings): LiveConfig {
  const live = loadLiveConfig({
    flags: {},
    env: {
      SIMULATOR_API_KEY: testKey,
      SIMULATOR_SEED: 'test',
      LATENCY_TIME_SCALE: '0',
      ...(deployments && { OPENAI_DEPLOYMENT_CONFIG_PATH: 'deployments.json' }),
      ...(models && { MODEL_CATALOGUE_PATH: 'models.json' }),
      ...(faults && { FAULTS_PATH: 'faults.json' }),
      ...(incidents && { INCIDENTS_PATH: 'incidents.json' }),
      ...(config && { SIMULATOR_CONFIG: 'config.json' }),
      ...env,
    },
    workingDirectory: '/',
    readFile: filesInMemory({
      ...(deployments && { 'deployments.json': JSON.stringify(deployments) }),
      ...(models && { 'models.json': JSON.stringify(models) }),
      ...(faults && { 'faults.json': JSON.stringify({ faults }) }),
      ...(incidents && { 'incidents.json': JSON.stringify(incidents) }),
      ...(config && { 'config.json': JSON.stringify(config) }),
    }),
  })
  return resources ? new LiveConfig(withResources(live.inputs, resources)) : live
}

/** What tests use of a simulator that they have put together, and of its clock and its log. */
export function testSimulator<C extends Clock>(
  { app, simulator }: StartedSimulator,
  clock: C,
  log: LogLine[],
): TestSimulator<C> {
  return {
    app,
    simulator,
    clock,
    log,
    post: async (path, body, headers = {}) =>
      app.request(path, {
        method: 'POST',
        headers: { 'api-key': testKey, 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  }
}

/** The path of an operation on a deployment, with a version that every operation takes. */
export function deploymentPath(deployment: string, operation: string): string {
  return `/openai/deployments/${deployment}/${operation}?api-version=2025-04-01-preview`
}

/** The data of each server-sent event of a stream that has ended. */
export function eventsOf(text: string): string[] {
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''))
}
