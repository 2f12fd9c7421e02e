import { RecentMap } from '../../lib/caches.ts'
import type { Port } from '../../lib/port.ts'

/** Record of an operation, with the names of the log format of the original twin. */
export interface AuditRecord {
  /** RFC 3339 in UTC, with milliseconds. */
  readonly timestamp: string
  /** Id of the tenant, or `administratorId`. */
  readonly tenant_id: string
  /** Id of the request. */
  readonly correlation_id: string
  /** `twin`: management; `control`: tokens; `data`: requests to resources. */
  readonly plane: 'twin' | 'control' | 'data'
  /** Such as `twin.resource.create`. */
  readonly operation: string
  readonly resource: { readonly type: string; readonly id: string } | null
  readonly outcome: 'success' | 'failure'
  /** Null for success. */
  readonly reason: string | null
  readonly details: Readonly<Record<string, unknown>>
}

/** A record with its id. */
export interface AuditEntry extends AuditRecord {
  /** Number in the order of all records. A tenant sees numbers without gaps, which would show the activity of others. */
  readonly id: number
  readonly twin: typeof twinName
}

/** Name of the twin in its answers. */
export const twinName = 'aoai'

/** `tenant_id` of what the administrator does. */
export const administratorId = '__operator_admin__'

/** Takes records, in this process or in the primary. */
export interface AuditSink {
  add(record: AuditRecord): void
}

export const auditPort: Port<AuditSink> = {
  name: 'audit',
  methods: { add: { kind: 'notification' } },
}

/** Number of kept records, of all tenants together. */
const MAX_RECORDS = 10_000

/** Number of tenants with a remembered last id. Fewer tenants can exist. */
const MAX_COUNTED_TENANTS = 20_000

interface Stored {
  readonly entry: AuditEntry
  /** The id that the tenant sees. */
  readonly ownId: number
}

/** The last records. */
export class AuditLog implements AuditSink {
  readonly #size: number
  /** By id modulo size. */
  #entries: (Stored | undefined)[] = []
  #lastId = 0
  readonly #lastOwnIds = new RecentMap<string, number>(MAX_COUNTED_TENANTS)

  /** @param size number of records to keep */
  constructor(size = MAX_RECORDS) {
    this.#size = size
  }

  add(record: AuditRecord): void {
    const id = ++this.#lastId
    const ownId = (this.#lastOwnIds.get(record.tenant_id) ?? 0) + 1
    this.#lastOwnIds.set(record.tenant_id, ownId)
    this.#entries[id % this.#size] = { ownId, entry: { id, twin: twinName, ...record } }
  }

  /**
   * Returns records, newest first.
   *
   * @param tenant id of a tenant, which gets separate ids; default: of all
   */
  read({
    tenant,
    limit,
    offset,
  }: {
    tenant: string | undefined
    limit: number
    offset: number
  }): AuditEntry[] {
    const found: AuditEntry[] = []
    let skipped = 0
    const oldest = Math.max(1, this.#lastId - this.#size + 1)
    for (let id = this.#lastId; id >= oldest && found.length < limit; id--) {
      const stored = this.#entries[id % this.#size]
      if (!stored || (tenant !== undefined && stored.entry.tenant_id !== tenant)) continue
      const { entry, ownId } = stored
      if (skipped < offset) skipped++
      else found.push(tenant === undefined ? entry : { ...entry, id: ownId })
    }
    return found
  }

  /** Removes the records of a tenant; without one, all. Ids continue. */
  clear(tenant?: string): void {
    if (tenant === undefined) this.#entries = []
    else this.#entries = this.#entries.map((entry) => (entry?.entry.tenant_id === tenant ? undefined : entry))
  }
}
