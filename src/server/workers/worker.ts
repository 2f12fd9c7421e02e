import { LiveConfig } from '../../config/live-config.ts'
import { createLogger } from '../../lib/logger.ts'
import { createLoopLag } from '../../lib/loop-lag.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import { createSystemClock } from '../../lib/system-clock.ts'
import { encodingNames } from '../../tokens/encoding-files.ts'
import { loadEncoding } from '../../tokens/encoding.ts'
import { listen, type Listener } from '../listen.ts'
import { type ChosenLog, chooseLog } from '../log-look.ts'
import { type StartedSimulator, startSimulator } from '../start-simulator.ts'
import { surviveStrayFailures } from '../stray-failures.ts'
import { workerMark } from './count-workers.ts'
import { monotonicOffsetMs } from '../../lib/machine-time.ts'
import { pack, type Packed, unpack } from './packed.ts'
import { Peer } from '../../shared/rpc/peer.ts'
import { RemoteJournal } from './remote-journal.ts'
import { RemoteLimits } from './remote-limits.ts'
import { askPrimary } from './remote-pages.ts'
import { RemoteResponses } from './remote-responses.ts'
import { RemoteSlots } from './remote-slots.ts'
import { remoteTurns } from './turn-desk.ts'
import { withField } from './with-field.ts'
import type { PrimaryMethods, WorkerBirth, WorkerMethods, WorkerReport } from './worker-messages.ts'
import { unpackState } from './worker-start.ts'

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
  let isStopping = false
  let end = (): void => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  const started = (): Running => {
    if (!running) throw new Error('The worker has not started.')
    return running
  }
  const methods: WorkerMethods = {
    take: (state) => take(started(), state),
    async reset() {
      await started().simulator.reset()
    },
    async refresh(paths) {
      await started().simulator.recordings.replay?.refresh(paths ?? undefined)
    },
    report: () => report(started()),
    sync: () => null,
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
  const primary = new Peer<PrimaryMethods>({ send }, methods)
  const begin = async (): Promise<void> => {
    running = await start(primary)
    await take(running, await primary.call('life.join', null))
    if (isStopping) return
    const { app, live, simulator, port } = running
    const { host, connections } = live.current
    running.listener = await listen(app, host, port, {
      connections,
      logger: simulator.logger,
      onConnectionEnd: simulator.metrics.connectionEnded,
    })
    primary.tell('life.listening', running.listener.url)
  }
  const starting = begin().catch((error: unknown) => {
    const message = error instanceof OperatorError ? error.message : describe(error)
    primary.tell('life.failed', [error instanceof OperatorError ? error.code : null, message])
  })
  process.on('message', (message) => {
    if (Array.isArray(message)) primary.receive(message)
  })
  await ended
}

async function start(primary: Peer<PrimaryMethods>): Promise<Running> {
  const birth = unpack(await primary.call('life.begin', null)) as WorkerBirth
  const { number, workingDirectory, port, state } = birth
  const live = new LiveConfig(unpackState(state).inputs)
  const { logLevel, extensionPaths, journalSize } = live.current
  const log = chooseLog(live.current, process.stderr, process.env)
  const logger = withField(createLogger(logLevel, log.look), { worker: number })
  if (extensionPaths.length > 0) surviveStrayFailures(logger)
  const started = await startSimulator(live, {
    clock: createSystemClock(),
    logger,
    requestLog: log.requestLog,
    loopLag: createLoopLag(),
    extensions: extensionPaths,
    workingDirectory,
    limits: new RemoteLimits(primary),
    slots: new RemoteSlots(primary),
    responses: new RemoteResponses(primary),
    turns: remoteTurns(primary),
    ...(journalSize > 0 && { journal: new RemoteJournal(primary) }),
    processNumber: number,
    pages: { primary: askPrimary(primary) },
  })
  // Their tables take a good tenth of a second each, which the first requests should not wait for.
  for (const name of encodingNames) loadEncoding(name)
  return { ...started, live, port, log }
}

async function take({ live, simulator }: Running, state: Packed): Promise<void> {
  const { inputs, incidents } = unpackState(state)
  const { problems } = await live.rebase(inputs)
  if (problems.length > 0) throw new Error(`Could not take over the configuration: ${problems.join(' ')}`)
  const offsetMs = monotonicOffsetMs()
  simulator.incidents.take(
    incidents.map(({ resource, timetable, startedMs }) => ({
      resource,
      timetable,
      startedMs: startedMs - offsetMs,
    })),
  )
}

async function report({ simulator }: Running): Promise<Packed> {
  const { config, recordings, metrics } = simulator
  const told: WorkerReport = {
    metrics: await metrics.toJson(),
    unused: config.defaultResource.recordings.replay.strict ? recordings.replay?.unused() : undefined,
  }
  return pack(told)
}

async function stop(running: Running, graceMs: number): Promise<Packed> {
  await running.listener?.close(graceMs)
  await running.simulator.close()
  await running.log.close()
  return report(running)
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
