import type { EventsBody, WholeBody } from '../../answer/body.ts'
import { isRecord } from '../../lib/record.ts'
import { dataEvent } from '../sse.ts'

/** What chat answers of an earlier time do not have, as a path of member names. `*` is each entry of a list. */
export type RemovedMembers = readonly (readonly string[])[]

/** Removes members from an answer that is not streamed. */
export function olderChatBody(body: WholeBody, removed: RemovedMembers): WholeBody {
  const render = (): string => `${JSON.stringify(withoutMembers(body.render(), removed))}\n`
  return { kind: 'whole', render }
}

/** Removes members from the events of a stream. */
export function olderChatStream(body: EventsBody, removed: RemovedMembers): EventsBody {
  const prefix = 'data: {'
  return {
    kind: 'events',
    count: body.count,
    stepOf: (index) => body.stepOf(index),
    render(index) {
      const event = body.render(index)
      if (!event.startsWith(prefix)) return event
      return dataEvent(JSON.stringify(withoutMembers(event.slice(prefix.length - 1), removed)))
    },
  }
}

function withoutMembers(json: string | Uint8Array, removed: RemovedMembers): unknown {
  const value: unknown = JSON.parse(json.toString())
  for (const path of removed) removeAt(value, path)
  return value
}

function removeAt(value: unknown, [name, ...rest]: readonly string[]): void {
  if (name === '*' && Array.isArray(value)) for (const entry of value) removeAt(entry, rest)
  if (name === undefined || !isRecord(value)) return
  if (rest.length > 0) removeAt(value[name], rest)
  else Reflect.deleteProperty(value, name)
}
