import type { Live, LiveIncidentChange, LiveResource, LiveStats } from '../../src/server/admin/live-stats.ts'

type Named<Value> = Readonly<Record<string, Value>>

/** A resource with all its deployments. */
export interface WholeResource extends LiveResource {
  readonly totals?: Live
  readonly deployments: Named<Live>
}

/** The merged figures: nothing is absent because it is unchanged. */
export interface WholeStats extends Omit<LiveStats, 'resources' | 'incidents' | 'upstreams'> {
  readonly incidents: NonNullable<LiveStats['incidents']>
  readonly upstreams: NonNullable<LiveStats['upstreams']>
  readonly resources: Named<WholeResource>
}

/** Returns an own property. Clients choose the names: `__proto__` and `constructor` are possible. */
export function own<Value>(record: Named<Value> | undefined, name: string): Value | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined
}

/** Merges an event `stats` into the figures before it. Unchanged parts keep their identity. */
export function mergeStats(before: WholeStats | undefined, event: LiveStats): WholeStats {
  const base = event.full ? undefined : before
  const totals = event.totals ?? base?.totals
  return {
    ...event,
    ...(totals && { totals }),
    incidents: event.incidents ?? base?.incidents ?? {},
    upstreams: event.upstreams ?? base?.upstreams ?? {},
    resources: mergeNamed(base?.resources, event.resources, mergeResource),
  }
}

function mergeResource(before: WholeResource | undefined, change: LiveResource): WholeResource {
  const totals = change.totals ?? before?.totals
  return {
    ...(totals && { totals }),
    deployments: mergeNamed(before?.deployments, change.deployments, (_, live: Live) => live),
  }
}

/** Applies changes by name. Null removes a name. */
function mergeNamed<Whole, Change>(
  before: Named<Whole> | undefined,
  changes: Named<Change | null>,
  merge: (before: Whole | undefined, change: Change) => Whole,
): Named<Whole> {
  const entries = Object.entries(changes)
  if (before && entries.length === 0) return before
  const merged = new Map(Object.entries(before ?? {}))
  for (const [name, change] of entries) {
    if (change === null) merged.delete(name)
    else merged.set(name, merge(merged.get(name), change))
  }
  // Defines own properties, also for `__proto__`.
  return Object.fromEntries(merged)
}

/** Applies an event `incident`. */
export function mergeIncident(stats: WholeStats, change: LiveIncidentChange): WholeStats {
  const { at: _, resource, ...incidents } = change
  const merged = new Map(Object.entries(stats.incidents)).set(resource, incidents)
  return { ...stats, incidents: Object.fromEntries(merged) }
}

/** The fields of an event of a stream. */
export interface StreamEvent {
  readonly name: string
  readonly data: string
}

/** Splits the text of an event stream into events, independent of where pieces end. */
export class EventReader {
  #rest = ''

  push(text: string): StreamEvent[] {
    const parts = `${this.#rest}${text}`.split('\n\n')
    this.#rest = parts.pop() ?? ''
    return parts.flatMap((part) => readEvent(part))
  }
}

function readEvent(text: string): StreamEvent[] {
  let name = 'message'
  const data: string[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('event:')) name = line.slice(6).trim()
    else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
  }
  return data.length === 0 ? [] : [{ name, data: data.join('\n') }]
}

/** Puts an item at the front of a list, or replaces the one with its id. Keeps at most `size` items. */
export function upsertNewest<Item extends { readonly id: number }>(
  list: readonly Item[],
  item: Item,
  size: number,
): readonly Item[] {
  const index = list.findIndex(({ id }) => id === item.id)
  return index === -1 ? [item, ...list.slice(0, size - 1)] : list.with(index, item)
}
