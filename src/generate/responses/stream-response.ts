import type { EventsBody } from '../../answer/body.ts'
import type { Random } from '../../lib/random.ts'
import { itemEvents, singleEvent, type EventRun } from '../../wire/responses/item-events.ts'
import type { WrittenItem } from '../../wire/responses/output-items.ts'
import { responseObject, type ResponseStage } from '../../wire/responses/response-object.ts'
import type { ResponseRecord } from './response-record.ts'
import type { Reply, Schedule } from '../../pipeline/reply.ts'

/**
 * The events of a streamed response: its beginning, its items one after the other, and its end. There is no `[DONE]`.
 *
 * @param noise where the padding of deltas is drawn from; undefined leaves it out
 * @param onEnd is called before the last event is written
 */
export function streamResponse(
  record: ResponseRecord,
  items: readonly WrittenItem[],
  noise: Random | undefined,
  onEnd: () => void,
): EventsBody {
  const runs = [
    ...beginning(record),
    ...items.flatMap((item, index) => itemEvents(item, index, noise)),
    ending(record, onEnd),
  ]
  const index = indexRuns(runs)
  return {
    kind: 'events',
    count: index.count,
    stepOf: (event) => index.steps[event] ?? 0,
    render(event) {
      const run = index.runOf[event] ?? 0
      return runs[run]?.render(event - (index.starts[run] ?? 0), event) ?? ''
    },
  }
}

function beginning(record: ResponseRecord): EventRun[] {
  const state = (type: string, stage: ResponseStage): EventRun =>
    singleEvent(`response.${type}`, () => ({ response: responseObject(record, stage) }))
  const inProgress = state('in_progress', 'in_progress')
  if (record.request.background !== true) return [state('created', 'in_progress'), inProgress]
  return [state('created', 'queued'), state('queued', 'queued'), inProgress]
}

function ending(record: ResponseRecord, onEnd: () => void): EventRun {
  const isCut = record.finishReason === 'length' || record.finishReason === 'content_filter'
  return singleEvent(`response.${isCut ? 'incomplete' : 'completed'}`, () => {
    onEnd()
    return { response: responseObject(record, 'ended') }
  })
}

/** Which run an event belongs to, and the step of the schedule that it waits for. */
interface RunIndex {
  readonly count: number
  readonly runOf: Uint32Array
  readonly steps: Uint32Array
  /** The number of the first event of each run. */
  readonly starts: readonly number[]
}

function indexRuns(runs: readonly EventRun[]): RunIndex {
  const count = runs.reduce((sum, run) => sum + run.count, 0)
  const runOf = new Uint32Array(count)
  const steps = new Uint32Array(count)
  const starts: number[] = []
  let event = 0
  let tokens = 0
  for (const [number, run] of runs.entries()) {
    starts.push(event)
    for (let i = 0; i < run.count; i++, event++) {
      runOf[event] = number
      // A token has its own step; what comes between tokens goes out with the one before.
      steps[event] = run.paced ? tokens++ : Math.max(0, tokens - 1)
    }
  }
  return { count, runOf, steps, starts }
}

/**
 * Lets `take` have the schedule that a later stage plans for a reply. Work in the background takes the time that its
 * answer would have taken, while the reply that only announces it goes out at once.
 *
 * @param sending whether the reply itself keeps to the schedule (`paced`) or not
 */
export function divertSchedule(
  reply: Reply,
  take: (schedule: Schedule) => void,
  sending: 'paced' | 'at-once',
): Reply {
  let planned: Schedule | undefined
  return Object.defineProperty(reply, 'schedule', {
    configurable: true,
    enumerable: true,
    get: () => (sending === 'paced' ? planned : undefined),
    set(schedule: Schedule) {
      planned = schedule
      take(schedule)
    },
  })
}
