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

/** The stages that let things go wrong, and what they count. */
export interface Faults {
  /** Before the limits: lets the present incident change the deployment, and reads the caller's own headers. */
  readonly prepare: Stage
  /** After the limits: strikes the answer. */
  readonly inject: Stage
  readonly reports: InjectionReports
}

/** Names the stream of chance that faults are drawn from, beside that of the answer. */
const FAULT_BRANCH = 0x6661_756c

/** What strikes a request. */
interface SelectedFault {
  readonly label: string
  readonly fault: Fault
}

/**
 * Makes the stages. Which fault strikes is drawn beside the request's stream of chance: a request that none strikes gets
 * the same answer as without faults. One fault strikes at most: the caller's own, else the first that its probability
 * chooses of the incident's, of the deployment's, and of those over all deployments.
 */
export function createFaults(incidents: IncidentTimetables): Faults {
  const counts = new FaultCounts()
  // Few requests have such headers, so they have no field of their own on each exchange.
  const wishes = new WeakMap<Exchange, SimHeaders>()

  const prepare: Stage = (exchange, next) => {
    const { resource, deployment, config } = exchange
    const phase = incidents.phaseOf(resource)
    const isForAll = isSimulated(exchange)
    if (phase && (phase.deployment === undefined ? isForAll : phase.deployment === deployment?.name)) {
      exchange.conditions = phase
    }
    // A forwarded request asks for nothing here: such headers stay with the simulator.
    if (isForAll && config.simHeaders && exchange.route && hasSimHeaders(exchange.headers)) {
      const read = readSimHeaders(exchange, rulesFor(exchange, phase))
      if ('status' in read) return refuse(read)
      wishes.set(exchange, read)
    }
    return next()
  }

  const inject: Stage = (exchange, next) => {
    const { resource, config, deployment } = exchange
    const phase = incidents.phaseOf(resource)
    const wish = wishes.get(exchange)
    if (!wish && !phase && !deployment?.faults && config.faults.length === 0) return next()
    const random = exchange.random.branch(FAULT_BRANCH)
    const struck = wish?.fault ?? choose(rulesFor(exchange, phase), exchange, random)
    if (!struck && !wish) return next()
    return answer(exchange, next, { wish, struck, random, counts })
  }

  const reports: InjectionReports = {
    faults: () => counts,
    *phases() {
      for (const [resource, { timetable, phase: present }] of incidents) {
        for (const phase of timetable?.phases ?? []) {
          yield { resource, phase: phase.name, active: phase === present }
        }
      }
    },
  }
  return { prepare, inject, reports }
}

/** The rules that may strike a request; of a forwarded one, those that name its deployment. */
function* rulesFor(exchange: Exchange, phase: IncidentPhase | undefined): Generator<FaultRule> {
  const { deployment, config } = exchange
  const isForAll = isSimulated(exchange)
  for (const list of [phase?.faults, deployment?.faults, config.faults])
    for (const rule of list ?? []) if (isForAll || rule.deployment !== undefined) yield rule
}

function choose(rules: Iterable<FaultRule>, exchange: Exchange, random: Random): SelectedFault | undefined {
  for (const rule of rules) {
    if (matchesRule(rule, exchange) && random.unit() < rule.probability) return rule
  }
  return undefined
}

interface Injection {
  readonly wish: SimHeaders | undefined
  readonly struck: SelectedFault | undefined
  readonly random: Random
  readonly counts: FaultCounts
}

async function answer(
  exchange: Exchange,
  next: () => ReplyOrPromise,
  { wish, struck, random, counts }: Injection,
): Promise<Reply> {
  const planned = async (): Promise<Reply> => {
    const reply = await next()
    return wish?.firstTokenMs === undefined || reply.status >= 300
      ? reply
      : setFirstTokenTime(reply, wish.firstTokenMs, exchange)
  }
  if (wish?.forced) exchange.forced = { ...exchange.forced, ...wish.forced }
  let reply: Reply
  if (!struck) reply = await planned()
  else if (struck.fault.kind === 'error') {
    counts.add(exchange, struck.label)
    reply = errorReply(exchange, struck.fault)
  } else {
    const forced = overrideOf(struck.fault)
    if (forced) exchange.forced = { ...exchange.forced, ...forced }
    reply = await planned()
    const disturbed =
      forced || reply.status >= 300
        ? undefined
        : await applyFaultToReply(reply, struck.fault, exchange, random)
    if (forced || disturbed) counts.add(exchange, struck.label)
    reply = disturbed ?? reply
  }
  return wish?.delayMs ? delayReply(exchange, reply, wish.delayMs) : reply
}

/** How often each fault struck each deployment of each resource. Bounded, since both names come from the configuration. */
class FaultCounts {
  readonly #byResource = new Map<string, Map<string, Map<string, number>>>()

  /** Counts a fault that struck. */
  add({ resource, deployment, config }: Exchange, fault: string): void {
    const name = deployment?.name ?? ''
    const label = name === '' || config.deployments.has(name) ? name : 'other'
    let byDeployment = this.#byResource.get(resource)
    if (!byDeployment) this.#byResource.set(resource, (byDeployment = new Map()))
    let counts = byDeployment.get(label)
    if (!counts) byDeployment.set(label, (counts = new Map()))
    counts.set(fault, (counts.get(fault) ?? 0) + 1)
  }

  *[Symbol.iterator](): Generator<FaultCount> {
    for (const [resource, byDeployment] of this.#byResource) {
      for (const [deployment, counts] of byDeployment) {
        for (const [fault, count] of counts) yield { resource, deployment, fault, count }
      }
    }
  }
}

/** How often a fault was injected. */
export interface FaultCount {
  readonly resource: string
  /** Name of a configured deployment, `other` for one of no configuration, empty for requests without one. */
  readonly deployment: string
  /** The rule's name, or else that of its error or kind. */
  readonly fault: string
  readonly count: number
}

/** A phase of the timetable of incidents. */
export interface PhaseReport {
  readonly resource: string
  readonly phase: string
  /** Whether it is the present one. */
  readonly active: boolean
}

/** What faults and incidents tell the metrics. */
export interface InjectionReports {
  faults(): Iterable<FaultCount>
  phases(): Iterable<PhaseReport>
}
