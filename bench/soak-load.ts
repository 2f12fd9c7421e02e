// Load generator of the soak test, a separate process. Open loop: each request starts when it is due, independent of
// earlier requests, and all times count from then. Argument: a LoadPlan. Prints LoadLines.
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../src/lib/random.ts'
import { ConnectionPool } from './connection-pool.ts'
import { eventsBeforeTokens, pace, requestOf, soakKinds, soakTokens, type SoakKind } from './soak-kinds.ts'
import { WindowCounts, type LoadLine, type LoadPlan } from './soak-window.ts'

const drainMs = 15_000
const plan: LoadPlan = JSON.parse(process.argv[2] ?? '')
const random = createRandom(plan.seed)
const pool = new ConnectionPool(plan.port)
const requests = new Map(soakKinds.map((kind) => [kind, requestOf(kind, plan.port, plan.key)]))
const wrong: Record<string, number> = {}
let counts = new WindowCounts()
/**
 * Between two windows the simulator collects its garbage, so that its memory can be measured. Times during a
 * collection are not counted.
 */
const collectionMs = 1_000
let timesFromMs = 0
const open = new Set<number>()
let number = 0

const print = (line: LoadLine): boolean => process.stdout.write(`${JSON.stringify(line)}\n`)

function drawKind(): SoakKind {
  let left = random.unit()
  return soakKinds.find(({ share }) => (left -= share) < 0) ?? (soakKinds[0] as SoakKind)
}

function send(dueAtMs: number): void {
  const kind = drawKind()
  const { statuses, stream, disconnectsAfter } = kind
  let events = 0
  number += 1
  const id = number
  open.add(id)
  counts.sent += 1
  counts.sends.record(performance.now() - dueAtMs)
  const disconnect = pool.send(requests.get(kind)?.(id) ?? '', {
    onEvents(count) {
      const nowMs = performance.now()
      const atMs = nowMs - dueAtMs
      // Faults and disconnects are not counted as lateness.
      if (statuses && nowMs >= timesFromMs) {
        for (let index = events; index < events + count; index += 1) {
          const token = index - eventsBeforeTokens
          if (token >= 0 && token < soakTokens) {
            counts.tokens.record(atMs - pace.firstToken - token * pace.perToken)
          }
        }
      }
      events += count
      if (disconnectsAfter !== undefined && events >= disconnectsAfter) disconnect()
    },
    onEnd({ status, isComplete }) {
      open.delete(id)
      if (statuses && !(isComplete && statuses.includes(status))) {
        counts.wrong += 1
        const seen = `${kind.name}: ${isComplete ? '' : 'broken off, '}status ${status}`
        wrong[seen] = (wrong[seen] ?? 0) + 1
        return
      }
      counts.done += 1
      const nowMs = performance.now()
      if (statuses && !stream && nowMs >= timesFromMs) counts.answers.record(nowMs - dueAtMs)
    },
  })
}

/** Sends all requests that are due until `endMs`. The arrivals are random, like those of independent clients. */
let nextMs = performance.now()
async function sendUntil(endMs: number): Promise<void> {
  for (let nowMs = performance.now(); nowMs < endMs; nowMs = performance.now()) {
    while (nextMs <= nowMs) {
      send(nextMs)
      nextMs -= (Math.log(1 - random.unit()) * 1_000) / plan.rate
    }
    await sleep(1)
  }
}

const startMs = performance.now()
let edgeMs = startMs + plan.leadSeconds * 1_000
await sendUntil(edgeMs)
print({ kind: 'begin' })
for (let window = 0; window < plan.windows; window += 1) {
  counts = new WindowCounts()
  timesFromMs = performance.now() + (window === 0 ? 0 : collectionMs)
  edgeMs += plan.windowSeconds * 1_000
  await sendUntil(edgeMs)
  print({ kind: 'window', window: counts.toWindow(plan.windowSeconds) })
}
const giveUpMs = performance.now() + drainMs
while (open.size > 0 && performance.now() < giveUpMs) await sleep(20)
print({ kind: 'end', unfinished: open.size, wrong })
process.exit(0)
