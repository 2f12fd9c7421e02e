import { LiveConfig } from '../../config/live-config.ts'
import { stackOf } from '../../lib/error-text.ts'
import { createLogger, type Logger } from '../../lib/logger.ts'
import { createLoopLag } from '../../lib/loop-lag.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import { createSystemClock } from '../../lib/system-clock.ts'
import { encodingNames } from '../../tokens/encoding-files.ts'
import { loadEncoding } from '../../tokens/encoding.ts'
import { listen, type Listener, listenOptions } from '../listen.ts'
import { type ChosenLog, chooseLog } from '../choose-log.ts'
import { type StartedSimulator, startSimulator } from '../start-simulator.ts'
import { unusedRecordings } from '../unused-recordings.ts'
import { guardUnhandledRejections } from '../process-lifecycle.ts'
import { Peer } from '../../shared/rpc/peer.ts'
import { portClient } from '../../shared/rpc/port-client.ts'
import { PortServer, serve } from '../../shared/rpc/port-server.ts'
import { remotePoolState } from '../pool-state.ts'
import { forwardToPrimary, primaryPagesPort } from './primary-pages.ts'
import {
  serializeValue,
  type V8Serialized,
  deserializeValue,
  type WorkerInit,
  type WorkerControl,
  workerControlPort,
  workerStartupPort,
  type WorkerReport,
} from './worker-messages.ts'
import { workerEnvVar, deserializeInputs, PrimaryFollower } from './worker-state.ts'

interface Running extends StartedSimulator {
  readonly live: LiveConfig
  readonly follower: PrimaryFollower
  readonly port: number
  readonly log: ChosenLog
  listener?: Listener
}

/** Runs this process as a worker until the primary stops it or exits. */
export async function runWorker(): Promise<void> {
  // A terminal signals all processes of the program, but the primary decides when workers stop.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {})
  process.once('disconnect', () => process.exit(0))
  // A process that an extension starts is not a worker.
  delete process.env[workerEnvVar]

  let running: Running | undefined
  let joined: Promise<unknown> = Promise.resolve()
  let isStopping = false
  let end = (): void => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  const started = (): Running => {
    if (!running) throw new Error('The worker has not started.')
    return running
  }
  const control: WorkerControl = {
    // Messages that arrive together are all received before code that awaits one of them continues.
    applyState: (state) => joined.then(() => started().follower.apply(state)),
    learnKeys: (keys) =>
      joined.then(() => {
        for (const key of keys) started().live.secrets.learn(key)
      }),
    async reset() {
      await started().simulator.reset()
    },
    async refresh(paths) {
      const replays = started().simulator.recordings.flatMap(({ replay }) => replay ?? [])
      await Promise.all(replays.map((replay) => replay.refresh(paths)))
    },
    flushRecordingUse: () => started().simulator.recordingActivity.report(),
    report: (names) => report(started(), names),
    async stop(graceMs) {
      isStopping = true
      // The port can be open already while the worker starts.
      await starting
      const last = await stop(started(), graceMs)
      end()
      return last
    },
  }
  const send = (message: unknown): void => void process.send?.(message, undefined, undefined, () => {})
  // The primary awaits all calls, so there are no unanswered failures to report.
  const server = new PortServer([serve(workerControlPort, control)], () => {})
  const primary: Peer = new Peer({ send }, server.open(() => primary).methods)
  const startup = portClient(workerStartupPort, primary)
  const begin = async (): Promise<void> => {
    const self = await start(primary, await startup.init())
    running = self
    joined = Promise.resolve(startup.join()).then((state) => self.follower.apply(state))
    await joined
    if (isStopping) return
    const { app, live, simulator, port } = running
    running.listener = await listen(app, live.current.host, port, listenOptions(simulator))
    startup.listening(running.listener.url)
  }
  const starting = begin().catch((error: unknown) => {
    const message = error instanceof OperatorError ? error.message : stackOf(error)
    startup.failed(error instanceof OperatorError ? error.code : undefined, message)
  })
  process.on('message', (message) => {
    if (Array.isArray(message)) primary.receive(message)
  })
  await ended
}

async function start(primary: Peer, init: V8Serialized): Promise<Running> {
  const { number, workingDirectory, port, inputs } = deserializeValue(init) as WorkerInit
  const { journal, ...state } = remotePoolState(primary)
  const live = new LiveConfig(deserializeInputs(inputs))
  const { logLevel, extensionPaths, journalSize } = live.current
  const log = chooseLog(live.current, process.stderr, process.env)
  const logger = withFields(createLogger(logLevel, { ...log.look, secrets: live.secrets.list }), {
    worker: number,
  })
  if (extensionPaths.length > 0) guardUnhandledRejections(logger)
  const started = await startSimulator(live, {
    clock: createSystemClock(),
    logger,
    requestLog: log.requestLog,
    loopLag: createLoopLag(),
    extensions: extensionPaths,
    workingDirectory,
    ...state,
    ...(journalSize > 0 && { journal }),
    processNumber: number,
    pages: { primary: forwardToPrimary(portClient(primaryPagesPort, primary)) },
  })
  // Loading an encoding takes more than 0.1 s, which the first requests should not wait for.
  for (const name of encodingNames) loadEncoding(name)
  const { incidents } = started.simulator
  return { ...started, live, follower: new PrimaryFollower({ live, incidents }), port, log }
}

async function report({ simulator }: Running, names?: readonly string[]): Promise<V8Serialized> {
  const value: WorkerReport = {
    metrics: await simulator.metrics.toJson(names && new Set(names)),
    unused: unusedRecordings(simulator),
  }
  return serializeValue(value)
}

async function stop(running: Running, graceMs: number): Promise<V8Serialized> {
  await running.listener?.close(graceMs)
  await running.simulator.close()
  await running.log.close()
  return report(running)
}

/** Returns a logger that adds fields to each line. */
function withFields(logger: Logger, more: object): Logger {
  return {
    debug: (fields, message) => logger.debug({ ...more, ...fields }, message),
    info: (fields, message) => logger.info({ ...more, ...fields }, message),
    warn: (fields, message) => logger.warn({ ...more, ...fields }, message),
    error: (fields, message) => logger.error({ ...more, ...fields }, message),
  }
}
