import { LiveConfig } from '../../config/live-config.ts'
import { createLogger, type Logger } from '../../lib/logger.ts'
import { createLoopLag } from '../../lib/loop-lag.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import { createSystemClock } from '../../lib/system-clock.ts'
import { encodingNames } from '../../tokens/encoding-files.ts'
import { loadEncoding } from '../../tokens/encoding.ts'
import { listen, type Listener } from '../listen.ts'
import { type ChosenLog, chooseLog } from '../log-look.ts'
import { type StartedSimulator, startSimulator } from '../start-simulator.ts'
import { unusedRecordings } from '../unused-recordings.ts'
import { guardUnhandledRejections } from '../process-life.ts'
import { machineOffsetMs } from '../../lib/machine-time.ts'
import { Peer } from '../../shared/rpc/peer.ts'
import { portClient } from '../../shared/rpc/port-client.ts'
import { PortServer, serve } from '../../shared/rpc/port-server.ts'
import { remoteState } from '../shared-parts.ts'
import { askPrimary, primaryPagesPort } from './remote-pages.ts'
import {
  serializeValue,
  type V8Serialized,
  deserializeValue,
  type WorkerBirth,
  type WorkerControl,
  workerControlPort,
  workerLifePort,
  type WorkerReport,
} from './worker-messages.ts'
import { workerMark, unpackInputs, unpackState } from './worker-start.ts'

interface Running extends StartedSimulator {
  readonly live: LiveConfig
  readonly port: number
  readonly log: ChosenLog
  listener?: Listener
}

/** Answers requests for the primary that has started this process, until the primary stops it or is gone. */
export async function runWorker(): Promise<void> {
  // Whoever stops the program in a terminal signals all of its processes; the primary says when to stop.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {})
  process.once('disconnect', () => process.exit(0))
  // What an extension starts is no worker.
  delete process.env[workerMark]

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
    // Messages that arrive together are all received before anything that awaits one of them goes on.
    take: (state) => joined.then(() => take(started(), state)),
    async reset() {
      await started().simulator.reset()
    },
    async refresh(paths) {
      const replays = started().simulator.recordings.flatMap(({ replay }) => replay ?? [])
      await Promise.all(replays.map((replay) => replay.refresh(paths)))
    },
    report: () => report(started()),
    async stop(graceMs) {
      isStopping = true
      // A worker that still starts may have opened the port already.
      await starting
      const last = await stop(started(), graceMs)
      end()
      return last
    },
  }
  const send = (message: unknown): void => void process.send?.(message, undefined, undefined, () => {})
  // All that it is told is awaited by the primary.
  const server = new PortServer([serve(workerControlPort, control)], () => {})
  const primary: Peer = new Peer({ send }, server.open(() => primary).methods)
  const life = portClient(workerLifePort, primary)
  const begin = async (): Promise<void> => {
    const born = await start(primary, await life.begin())
    running = born
    joined = Promise.resolve(life.join()).then((state) => take(born, state))
    await joined
    if (isStopping) return
    const { app, live, simulator, port } = running
    const { host, connections } = live.current
    running.listener = await listen(app, host, port, {
      connections,
      logger: simulator.logger,
      onConnectionEnd: simulator.metrics.connectionEnded,
    })
    life.listening(running.listener.url)
  }
  const starting = begin().catch((error: unknown) => {
    const message = error instanceof OperatorError ? error.message : describe(error)
    life.failed(error instanceof OperatorError ? error.code : undefined, message)
  })
  process.on('message', (message) => {
    if (Array.isArray(message)) primary.receive(message)
  })
  await ended
}

async function start(primary: Peer, birth: V8Serialized): Promise<Running> {
  const { number, workingDirectory, port, inputs } = deserializeValue(birth) as WorkerBirth
  const { journal, ...state } = remoteState(primary)
  const live = new LiveConfig(unpackInputs(inputs))
  const { logLevel, extensionPaths, journalSize } = live.current
  const log = chooseLog(live.current, process.stderr, process.env)
  const logger = withField(createLogger(logLevel, log.look), { worker: number })
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
    pages: { primary: askPrimary(portClient(primaryPagesPort, primary)) },
  })
  // Their tables take a good tenth of a second each, which the first requests should not wait for.
  for (const name of encodingNames) loadEncoding(name)
  return { ...started, live, port, log }
}

async function take({ live, simulator }: Running, state: V8Serialized): Promise<void> {
  const { base, patches, incidents } = unpackState(state)
  const { problems } = await live.follow(patches, base)
  if (problems.length > 0) throw new Error(`Could not take over the configuration: ${problems.join(' ')}`)
  const offsetMs = machineOffsetMs()
  simulator.incidents.take(
    incidents.map(({ resource, timetable, startedMs }) => ({
      resource,
      timetable,
      startedMs: startedMs - offsetMs,
    })),
  )
}

async function report({ simulator }: Running): Promise<V8Serialized> {
  const told: WorkerReport = {
    metrics: await simulator.metrics.toJson(),
    unused: unusedRecordings(simulator),
  }
  return serializeValue(told)
}

async function stop(running: Running, graceMs: number): Promise<V8Serialized> {
  await running.listener?.close(graceMs)
  await running.simulator.close()
  await running.log.close()
  return report(running)
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** A logger whose lines all have further fields. */
function withField(logger: Logger, more: object): Logger {
  return {
    debug: (fields, message) => logger.debug({ ...more, ...fields }, message),
    info: (fields, message) => logger.info({ ...more, ...fields }, message),
    warn: (fields, message) => logger.warn({ ...more, ...fields }, message),
    error: (fields, message) => logger.error({ ...more, ...fields }, message),
  }
}
