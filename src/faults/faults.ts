import type { Config } from '../config/config.ts'
import type { Fault, FaultRule } from '../config/fault-rules.ts'
import type { IncidentPhase } from '../config/incident-file.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import type { ReplyOrPromise, Stage } from '../pipeline/stage.ts'
import { type Reply, delayReply } from '../pipeline/reply.ts'
import { isSimulated } from '../pipeline/source-rules.ts'
import type { Random } from '../lib/random.ts'
import type { IncidentTimetables } from './incidents.ts'
import { matchesRule, hasSimHeaders, readSimHeaders, type SimHeaders } from './sim-headers.ts'
import { setFirstTokenTime, applyFaultToReply, errorReply, overrideOf } from './apply-fault.ts'

/** The stages of incidents and faults, and their counts. */
export interface Faults {
  /** Before the limits: applies the current incident phase to the deployment, and reads the x-sim- headers. */
  readonly prepare: Stage
  /** After the limits: injects a fault into the answer. */
  readonly inject: Stage
  readonly reports: InjectionReports
  /** Removes the counts of other resources than these identities. */
  readonly retainResources: (ids: ReadonlySet<string>) => void
}

/** The random branch for faults, separate from the random numbers of the answer. */
const FAULT_BRANCH = 0x6661_756c

/** The fault for a request. */
interface SelectedFault {
  readonly label: string
  readonly fault: Fault
}

/**
 * Creates the stages. Faults are drawn from a separate random branch, so a request without a fault gets the same answer as without
 * rules. At most one fault is injected: that of the request's header, else the first rule selected by its probability, in the order
 * incident, deployment, all deployments.
 */
export function createFaults(incidents: IncidentTimetables): Faults {
  const counts = new FaultCounts()
  // Few requests have such headers, so the exchange has no field for them.
  const simHeaders = new WeakMap<Exchange, SimHeaders>()

  const prepare: Stage = (exchange, next) => {
    const { resource, deployment, config } = exchange
    const phase = incidents.phaseOf(resource)
    const isForAll = isSimulated(exchange)
    if (phase && (phase.deployment === undefined ? isForAll : phase.deployment === deployment?.name)) {
      exchange.conditions = phase
    }
    // Headers do not apply to forwarded requests.
    if (isForAll && config.simHeaders && exchange.route && hasSimHeaders(exchange.headers)) {
      const read = readSimHeaders(exchange, rulesFor(exchange, phase))
      if ('status' in read) return refuse(read)
      simHeaders.set(exchange, read)
    }
    return next()
  }

  const inject: Stage = (exchange, next) => {
    const { resource, config, deployment } = exchange
    const phase = incidents.phaseOf(resource)
    const headers = simHeaders.get(exchange)
    if (!headers && !phase && !deployment?.faults && config.faults.length === 0) return next()
    const random = exchange.random.branch(FAULT_BRANCH)
    const selected = headers?.fault ?? selectFault(rulesFor(exchange, phase), exchange, random)
    if (!selected && !headers) return next()
    return answer(exchange, next, { headers, selected, random, counts })
  }

  const reports: InjectionReports = {
    faults: () => counts,
    retainDeployments: (resources) => counts.retainDeployments(resources),
    *phases() {
      for (const [resource, { timetable, phase: current }] of incidents) {
        for (const phase of timetable?.phases ?? []) {
          yield { resource, phase: phase.name, active: phase === current }
        }
      }
    },
  }
  return { prepare, inject, reports, retainResources: (ids) => counts.retainResources(ids) }
}

/** The rules for a request. For a forwarded request, only rules with a deployment. */
function* rulesFor(exchange: Exchange, phase: IncidentPhase | undefined): Generator<FaultRule> {
  const { deployment, config } = exchange
  const isForAll = isSimulated(exchange)
  for (const list of [phase?.faults, deployment?.faults, config.faults])
    for (const rule of list ?? []) if (isForAll || rule.deployment !== undefined) yield rule
}

function selectFault(
  rules: Iterable<FaultRule>,
  exchange: Exchange,
  random: Random,
): SelectedFault | undefined {
  for (const rule of rules) {
    if (matchesRule(rule, exchange) && random.unit() < rule.probability) return rule
  }
  return undefined
}

interface Injection {
  readonly headers: SimHeaders | undefined
  readonly selected: SelectedFault | undefined
  readonly random: Random
  readonly counts: FaultCounts
}

async function answer(
  exchange: Exchange,
  next: () => ReplyOrPromise,
  { headers, selected, random, counts }: Injection,
): Promise<Reply> {
  const replyOfNext = async (): Promise<Reply> => {
    const reply = await next()
    return headers?.firstTokenMs === undefined || reply.status >= 300
      ? reply
      : setFirstTokenTime(reply, headers.firstTokenMs, exchange)
  }
  if (headers?.forced) exchange.forced = { ...exchange.forced, ...headers.forced }
  let reply: Reply
  if (!selected) reply = await replyOfNext()
  else if (selected.fault.kind === 'error' || selected.fault.kind === 'streamFailure') {
    counts.add(exchange, selected.label)
    reply = errorReply(exchange, selected.fault)
  } else {
    const forced = overrideOf(selected.fault)
    if (forced) exchange.forced = { ...exchange.forced, ...forced }
    reply = await replyOfNext()
    const faulty =
      forced || reply.status >= 300
        ? undefined
        : await applyFaultToReply(reply, selected.fault, exchange, random)
    if (forced || faulty) counts.add(exchange, selected.label)
    reply = faulty ?? reply
  }
  return headers?.delayMs ? delayReply(exchange, reply, headers.delayMs) : reply
}

/** Maximum number of counts. Names in the configuration can change at run time without a limit. Later faults are `other`. */
const MAX_FAULT_COUNTS = 20_000

/** The counts of a resource by deployment and fault. */
interface ResourceFaults {
  /** Name of the resource. */
  readonly resource: string
  readonly byDeployment: Map<string, Map<string, number>>
}

/** Number of injected faults by resource, deployment and fault, in bounded memory. */
class FaultCounts {
  /** By the identity of the resource, so that a resource that is created again starts at 0. */
  readonly #byResource = new Map<string, ResourceFaults>()
  #size = 0

  /** Counts an injected fault, and names it in the trace of the request. */
  add({ resource, deployment, config, recorder }: Exchange, fault: string): void {
    if (recorder) recorder.fault = fault
    const name = deployment?.name ?? ''
    const label = name === '' || config.deployments.has(name) ? name : 'other'
    let own = this.#byResource.get(config.id)
    if (!own) this.#byResource.set(config.id, (own = { resource, byDeployment: new Map() }))
    const isKnown = own.byDeployment.get(label)?.has(fault)
    if (isKnown || this.#size < MAX_FAULT_COUNTS) this.#count(own, label, fault)
    else this.#count(own, 'other', 'other')
  }

  retainResources(ids: ReadonlySet<string>): void {
    for (const [id, { byDeployment }] of this.#byResource) {
      if (ids.has(id)) continue
      this.#byResource.delete(id)
      for (const counts of byDeployment.values()) this.#size -= counts.size
    }
  }

  #count({ byDeployment }: ResourceFaults, deployment: string, fault: string): void {
    let counts = byDeployment.get(deployment)
    if (!counts) byDeployment.set(deployment, (counts = new Map()))
    if (!counts.has(fault)) this.#size++
    counts.set(fault, (counts.get(fault) ?? 0) + 1)
  }

  retainDeployments(resources: Config['resources']): void {
    this.retainResources(new Set([...resources.values()].map(({ id }) => id)))
    for (const { id, deployments } of resources.values()) {
      const counts = this.#byResource.get(id)?.byDeployment ?? new Map<string, Map<string, number>>()
      for (const [name, byFault] of counts) {
        if (name === '' || name === 'other' || deployments.has(name)) continue
        counts.delete(name)
        this.#size -= byFault.size
      }
    }
  }

  *[Symbol.iterator](): Generator<FaultCount> {
    for (const { resource, byDeployment } of this.#byResource.values()) {
      for (const [deployment, counts] of byDeployment) {
        for (const [fault, count] of counts) yield { resource, deployment, fault, count }
      }
    }
  }
}

/** Number of injections of a fault. */
export interface FaultCount {
  readonly resource: string
  /** Name of a configured deployment, `other` if it is not configured, empty without a deployment. */
  readonly deployment: string
  /** Name of the rule, or else of its error or kind. */
  readonly fault: string
  readonly count: number
}

/** A phase of an incident timetable. */
export interface PhaseReport {
  readonly resource: string
  readonly phase: string
  /** Whether it is the current phase. */
  readonly active: boolean
}

/** Values of faults and incidents for metrics. */
export interface InjectionReports {
  faults(): Iterable<FaultCount>
  /** Removes the counts of deployments that these resources do not have any more. */
  retainDeployments(resources: Config['resources']): void
  phases(): Iterable<PhaseReport>
}
