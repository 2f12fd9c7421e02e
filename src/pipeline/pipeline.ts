import { resourceNotFound } from '../wire/errors.ts'
import type { SourceName } from '../config/source-names.ts'
import { type OnTrace, traced, traceOf, tracedSource, wantsTrace, withTrace } from './trace.ts'
import { clientLeftReply } from './client-left-reply.ts'
import { failureReply, writeServiceHeaders, refuse } from './reply-headers.ts'
import type { Exchange } from './exchange.ts'
import { chain, type Run, type Source, type NamedStage, type Stage, catchMaybe, mapMaybe } from './stage.ts'
import type { Reply } from './reply.ts'
import { checksVersions, faultsAct, latencyActs, limitsAct } from './source-rules.ts'

/** The stages that say whether a request may pass, and for which deployment. */
export interface AccessStages {
  /** Whether the service has the api-version and, with it, the operation. */
  readonly checkApiVersion: Stage
  readonly authenticate: Stage
  readonly findDeployment: Stage
  /** Whether the api-version has the deployment's model already. */
  readonly checkModelVersion: Stage
}

/** The stages that come from other folders, in the order in which a request meets them. */
export interface Stages {
  /** Sees every request and its final answer. */
  readonly observe: Stage
  /** Notes every request and its final answer; absent where nobody asks for notes. */
  readonly journal?: Stage
  /** Exports every request and its final answer; absent where nothing is exported. */
  readonly telemetry?: Stage
  /** Writes a line for every request; absent where nobody reads them. */
  readonly requestLog?: Stage
  readonly extensionHooks: readonly NamedStage[]
  readonly access: AccessStages
  /** Lets a present incident change the deployment, and reads what the caller asks of the simulator itself. */
  readonly prepareFaults: Stage
  /** Asks the deployment's limits, or the limiter that the request names. */
  readonly admit: Stage
  /** Lets an answer go wrong. */
  readonly injectFaults: Stage
  /** Waits for the deployment to have room, and gives an answer the time that a real one takes. */
  readonly addLatency: Stage
  readonly sources: Readonly<Record<SourceName, Source>>
}

/** What the pipeline reports beside its answers. */
export interface PipelineReports {
  /** A stage threw: a bug, here or in an extension. */
  readonly onFailure: (error: unknown, exchange: Exchange) => void
  /** Nothing answers this path. */
  readonly onUnknownPath: (exchange: Exchange) => void
  /** Called with the trace of each request when its answer has ended; absent: only requests that ask for it are traced. */
  readonly onTrace?: OnTrace
}

/**
 * The whole life of a request between its arrival and its sending, from the outside in:
 * observe, journal, telemetry, request log, extensions, api-version, key, deployment, incidents, limits, faults, latency,
 * source. It is the same for all sources; what acts on the requests of which is told by `source-rules.ts`.
 */
export function createPipeline(stages: Stages, reports: PipelineReports): Run {
  const answerFromSource: Run = (exchange) =>
    mapMaybe(stages.sources[exchange.source](exchange), (reply) => {
      if (reply) return reply
      reports.onUnknownPath(exchange)
      return refuse(resourceNotFound())
    })

  const { access } = stages
  const way: readonly NamedStage[] = [
    ...stages.extensionHooks,
    { name: 'service-headers', stage: writeServiceHeaders },
    { name: 'api-version', acts: checksVersions, stage: access.checkApiVersion },
    { name: 'key', stage: access.authenticate },
    { name: 'deployment', stage: access.findDeployment },
    { name: 'model-version', acts: checksVersions, stage: access.checkModelVersion },
    { name: 'incidents', acts: faultsAct, stage: stages.prepareFaults },
    { name: 'limits', acts: limitsAct, stage: stages.admit },
    { name: 'faults', acts: faultsAct, stage: stages.injectFaults },
    { name: 'latency', acts: latencyActs, stage: stages.addLatency },
  ]
  const observers: readonly NamedStage[] = [
    { name: 'metrics', stage: stages.observe },
    ...(stages.journal ? [{ name: 'journal', stage: stages.journal } as const] : []),
    ...(stages.telemetry ? [{ name: 'telemetry', stage: stages.telemetry } as const] : []),
    ...(stages.requestLog ? [{ name: 'request-log', stage: stages.requestLog } as const] : []),
  ]

  /** The one place where an exception becomes an answer. What it says goes to the log, never to the client. */
  const failed = (error: unknown, exchange: Exchange): Reply => {
    traceOf(exchange)?.answeredByFailure()
    if (exchange.ended && isBrokenOff(error)) return clientLeftReply()
    reports.onFailure(error, exchange)
    return failureReply(exchange)
  }
  const build = (isTraced: boolean): Run => {
    const link = (list: readonly NamedStage[], innermost: Run): Run =>
      chain(isTraced ? list.map(traced) : list, innermost)
    const source = isTraced ? tracedSource((exchange) => exchange.source, answerFromSource) : answerFromSource
    const run = link(way, source)
    const runSafely: Run = (exchange) =>
      catchMaybe(
        () => run(exchange),
        (error) => failed(error, exchange),
      )
    return link(observers, runSafely)
  }

  // Built twice, so that a request that is not traced pays nothing for it.
  const plain = build(false)
  const withTraces = withTrace(build(true), reports.onTrace)
  return (exchange) => (reports.onTrace || wantsTrace(exchange) ? withTraces(exchange) : plain(exchange))
}

/** Whether an `AbortSignal` is behind an error, such as that of an exchange whose client has left. */
function isBrokenOff(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at.name === 'AbortError') return true
  return false
}
