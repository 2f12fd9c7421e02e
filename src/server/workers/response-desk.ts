import { recordFromJson, type RecordJson, recordToJson } from '../../generate/responses/input-items.ts'
import type { ResponseArchive } from '../../generate/responses/response-archive.ts'
import { ResponseProgress } from '../../generate/responses/response-progress.ts'
import type { ResponseRecord } from '../../generate/responses/response-record.ts'
import { sharedIdPart } from '../../wire/responses/response-ids.ts'
import { whenKnown } from '../../pipeline/when-known.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ResponseMethods, ResponsePlace } from './response-messages.ts'

/** Responses of which the end is awaited. */
const mostUnfinished = 10_000

/** A response that is on its way to its client, and the worker that sends it. */
interface Unfinished {
  readonly record: ResponseRecord
  /** Ends when all that the worker has told before has been heard. */
  readonly hearAll: () => Promise<unknown>
}

/** The responses of all workers, those included that are on their way to their clients. */
export class SharedResponses {
  readonly store: ResponseArchive
  readonly clock: Clock
  readonly unfinished = new Map<string, Unfinished>()

  constructor(store: ResponseArchive, clock: Clock) {
    this.store = store
    this.clock = clock
  }
}

/** Answers what one worker asks the store. */
export class ResponseDesk {
  readonly #shared: SharedResponses
  readonly #hearAll: () => Promise<unknown>

  /** @param hearAll ends when all that this worker has told before has been heard */
  constructor(shared: SharedResponses, hearAll: () => Promise<unknown>) {
    this.#shared = shared
    this.#hearAll = hearAll
  }

  readonly methods: ResponseMethods = {
    'responses.add': (json) => this.#add(json),
    'responses.get': (place) =>
      this.#settled(place, () => {
        const { store, clock } = this.#shared
        return whenKnown(store.get(...place, clock.epochMs()), (record) =>
          record ? recordToJson(record) : null,
        )
      }),
    'responses.item': (place) =>
      this.#settled(place, () => {
        const { store, clock } = this.#shared
        return whenKnown(store.findItem(...place, clock.epochMs()), (item) => item ?? null)
      }),
    'responses.update': ([place, state]) => {
      const [resource, id] = place
      if (state.endedMs !== null) this.#shared.unfinished.delete(keyOf(place))
      return this.#shared.store.update({ resource, id, progress: ResponseProgress.of(state) })
    },
    'responses.delete': (place) => {
      const [resource, id] = place
      this.#shared.unfinished.delete(keyOf(place))
      return this.#shared.store.delete({ resource, id })
    },
  }

  /** The worker is gone: what it was sending never comes to be, as when a client leaves. */
  release(): void {
    const { unfinished, store } = this.#shared
    for (const [key, { record, hearAll }] of unfinished) {
      if (hearAll !== this.#hearAll) continue
      unfinished.delete(key)
      void store.delete(record)
    }
  }

  #add(json: RecordJson): void | Promise<void> {
    const record = recordFromJson(json)
    const { store, unfinished } = this.#shared
    const added = store.add(record)
    if (json.progress.background) return added
    unfinished.set(keyOf([record.resource, record.id]), { record, hearAll: this.#hearAll })
    // A fault may have taken the place of an answer, whose end then never comes.
    if (unfinished.size > mostUnfinished) unfinished.delete(unfinished.keys().next().value ?? '')
    return added
  }

  /**
   * A client may ask another worker for what it has read to its end before the notice of that end is here. The answer to a
   * question comes behind it.
   */
  #settled<T>(place: ResponsePlace, find: () => T | Promise<T>): T | Promise<T> {
    const unfinished = this.#shared.unfinished.get(keyOf(place))
    if (!unfinished || unfinished.hearAll === this.#hearAll) return find()
    return unfinished.hearAll().then(find, find)
  }
}

/** An item leads to its response. */
function keyOf([resource, id]: ResponsePlace): string {
  return `${resource}/${sharedIdPart(id) ?? id}`
}
