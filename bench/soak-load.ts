// The load of a soak, in a process of its own. Open loop: each request starts when its time has come, whatever became of
// those before it, and all times count from then. Argument: a LoadPlan. Prints LoadLines.
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
/** Between two windows the simulator is made to collect its garbage, so that its memory can be told: what waits for that says nothing. */
const collectionMs = 1_000
let timesFromMs = 0
const open = new Set<number>()
let number = 0

const say = (line: LoadLine): boolean => process.stdout.write(`${JSON.stringify(line)}\n`)

function drawKind(): SoakKind {
  let left = random.unit()
  return soakKinds.find(({ share }) => (left -= share) < 0) ?? (soakKinds[0] as SoakKind)
}

function send(dueAtMs: number): void {
  const kind = drawKind()
  const { statuses, stream, leavesAfter } = kind
  let events = 0
  number += 1
  const own = number
  open.add(own)
  counts.sent += 1
  counts.sends.record(performance.now() - dueAtMs)
  const leave = pool.send(requests.get(kind)?.(own) ?? '', {
    onEvents(count) {
      const nowMs = performance.now()
      const atMs = nowMs - dueAtMs
      // What goes wrong on purpose, or is left, says nothing of lateness.
      if (statuses && nowMs >= timesFromMs) {
        for (let index = events; index < events + count; index += 1) {
          const token = index - eventsBeforeTokens
          if (token >= 0 && token < soakTokens) {
            counts.tokens.record(atMs - pace.firstToken - token * pace.perToken)
          }
        }
      }
      events += count
      if (leavesAfter !== undefined && events >= leavesAfter) leave()
    },
    onEnd({ status, isComplete }) {
      open.delete(own)
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

/** Sends all that is due until a time, at times drawn as those of independent clients are. */
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
say({ kind: 'begin' })
for (let window = 0; window < plan.windows; window += 1) {
  counts = new WindowCounts()
  timesFromMs = performance.now() + (window === 0 ? 0 : collectionMs)
  edgeMs += plan.windowSeconds * 1_000
  await sendUntil(edgeMs)
  say({ kind: 'window', window: counts.toWindow(plan.windowSeconds) })
}
const giveUpMs = performance.now() + drainMs
while (open.size > 0 && performance.now() < giveUpMs) await sleep(20)
say({ kind: 'end', unfinished: open.size, wrong })
process.exit(0)
