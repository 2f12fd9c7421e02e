import type { LiveReading } from './live-reading.ts'
import type { Live, LiveStats } from './live-stats.ts'

/** Removed names that are kept, so that a slow reader learns of them. With more, it gets a complete event. */
const MAX_REMOVED = 1_000

/** A value as JSON, with the version at which it changed. */
interface Versioned {
  json: string
  version: number
}

interface VersionedResource {
  readonly totals: Versioned
  readonly deployments: Map<string, Versioned>
  /** Version at which it was removed; 0 while it exists. */
  removedAt: number
}

/**
 * The latest reading as JSON, and which parts of it changed when. A reader gets what has changed since the version that it has, however
 * old that is: nothing is queued for it.
 */
export class LiveVersions {
  #version = 0
  /** Readers with an older version get a complete event. */
  #completeFrom = 0
  #head = ''
  readonly #totals = newValue()
  readonly #upstreams = newValue()
  readonly #incidents = new Map<string, Versioned>()
  readonly #resources = new Map<string, VersionedResource>()
  #removed = 0
  /** Texts of the current version, by reader. */
  readonly #texts = new Map<string, string>()

  /** Version of the latest reading; 0 before the first one. */
  get version(): number {
    return this.#version
  }

  /** Replaces the reading. */
  update(reading: LiveReading, { at_ms, window_ms }: Pick<LiveStats, 'at_ms' | 'window_ms'>): void {
    this.#version++
    this.#texts.clear()
    const { simulator, totals, upstreams, incidents, resources } = reading
    this.#head = `"at_ms":${at_ms},"window_ms":${window_ms},"simulator":${JSON.stringify(simulator)}`
    this.#set(this.#totals, totals)
    this.#set(this.#upstreams, upstreams)
    this.#setAll(this.#incidents, new Map(Object.entries(incidents)))
    for (const [name, { totals: sum, deployments }] of resources) {
      let known = this.#resources.get(name)
      if (!known) {
        known = { totals: newValue(), deployments: new Map(), removedAt: 0 }
        this.#resources.set(name, known)
      }
      known.removedAt = 0
      this.#set(known.totals, sum)
      this.#setAll(known.deployments, deployments)
    }
    for (const [name, known] of this.#resources) {
      if (resources.has(name) || known.removedAt > 0) continue
      known.removedAt = this.#version
      this.#set(known.totals, null)
      this.#setAll(known.deployments, new Map())
      this.#removed++
    }
    if (this.#removed > MAX_REMOVED) this.#forgetRemoved()
  }

  /**
   * Returns the data of an event `stats` as JSON.
   *
   * @param since version that the reader has; 0: none
   * @param only name of a resource; undefined: all
   */
  textSince(since: number, only: string | undefined): string {
    const key = `${since} ${only ?? ''}`
    let text = this.#texts.get(key)
    if (text === undefined) this.#texts.set(key, (text = this.#write(since, only)))
    return text
  }

  #write(since: number, only: string | undefined): string {
    const isFull = since === 0 || since < this.#completeFrom
    const from = isFull ? 0 : since
    const shown = only === undefined ? this.#resources : pick(this.#resources, only)
    const incidents = only === undefined ? this.#incidents : pick(this.#incidents, only)
    const totals = only === undefined ? this.#totals : this.#resources.get(only)?.totals
    const members = [this.#head, `"full":${isFull}`]
    if (isFull || [...incidents.values()].some(({ version }) => version > from)) {
      members.push(`"incidents":${objectText(incidents, 0)}`)
    }
    if (totals && totals.version > from && totals.json !== 'null') members.push(`"totals":${totals.json}`)
    members.push(`"resources":{${resourcesText(shown, from).join()}}`)
    if (this.#upstreams.version > from) members.push(`"upstreams":${this.#upstreams.json}`)
    return `{${members.join()}}`
  }

  #set(known: Versioned, value: unknown): void {
    const json = JSON.stringify(value)
    if (json === known.json) return
    known.json = json
    known.version = this.#version
  }

  #setAll(known: Map<string, Versioned>, values: ReadonlyMap<string, Live | object>): void {
    for (const [name, value] of values) {
      let one = known.get(name)
      if (!one) known.set(name, (one = newValue()))
      this.#set(one, value)
    }
    for (const [name, one] of known) {
      if (values.has(name) || one.json === 'null') continue
      this.#set(one, null)
      this.#removed++
    }
  }

  #forgetRemoved(): void {
    this.#completeFrom = this.#version
    this.#removed = 0
    for (const [name, { removedAt }] of this.#resources) if (removedAt > 0) this.#resources.delete(name)
    for (const known of [this.#incidents, ...Array.from(this.#resources.values(), (one) => one.deployments)])
      for (const [name, { json }] of known) if (json === 'null') known.delete(name)
  }
}

function newValue(): Versioned {
  return { json: '', version: 0 }
}

function pick<V>(values: ReadonlyMap<string, V>, name: string): ReadonlyMap<string, V> {
  const value = values.get(name)
  return new Map(value === undefined ? [] : [[name, value]])
}

/** The members that changed, as a JSON object. A complete one has no removed members. */
function objectText(values: ReadonlyMap<string, Versioned>, since: number): string {
  const members: string[] = []
  for (const [name, { json, version }] of values) {
    if (version > since && !(since === 0 && json === 'null')) members.push(`${JSON.stringify(name)}:${json}`)
  }
  return `{${members.join()}}`
}

function resourcesText(shown: ReadonlyMap<string, VersionedResource>, since: number): string[] {
  const texts: string[] = []
  for (const [name, { totals, deployments, removedAt }] of shown) {
    const key = JSON.stringify(name)
    if (removedAt > 0) {
      if (since > 0 && removedAt > since) texts.push(`${key}:null`)
      continue
    }
    const changed = objectText(deployments, since)
    const isNew = totals.version > since
    if (!isNew && changed === '{}') continue
    texts.push(`${key}:{${isNew ? `"totals":${totals.json},` : ''}"deployments":${changed}}`)
  }
  return texts
}
