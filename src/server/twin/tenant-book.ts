import { randomBytes, randomUUID } from 'node:crypto'
import type { LiveConfig } from '../../config/live-config.ts'
import type { Feedback, Patches, Tenant } from '../../config/patches.ts'
import { ownValue, withoutKey } from '../../lib/record.ts'
import type { Clock } from '../../lib/clock.ts'
import { withoutResources } from '../resource-book.ts'
import { administratorId } from './audit-log.ts'
import { createSecret, SecretChecks, type SecretVerdict } from './secret-checks.ts'

const MAX_TENANTS = 10_000
const MAX_FEEDBACK = 1_000
const MAX_FEEDBACK_OF_TENANT = 100

/** Result of a change. `text` says what to do. */
export type TenantOutcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'full' | 'busy' | 'invalid'; readonly text: string }

/** A new tenant. Its secret cannot be read again. */
export interface CreatedTenant extends Omit<Tenant, 'secret'> {
  readonly id: string
  readonly secret: string
}

/** The tenants of /_twin and their feedback. */
export class TenantBook {
  readonly #live: LiveConfig
  readonly #clock: Clock
  readonly #checks = new SecretChecks()

  constructor(live: LiveConfig, clock: Clock) {
    this.#live = live
    this.#clock = clock
  }

  /** All tenants by id. */
  get all(): Readonly<Record<string, Tenant>> {
    return this.#live.patches.tenants ?? {}
  }

  /** Feedback, newest first, of one tenant or of all. */
  feedback(tenant?: string): Feedback[] {
    const { feedback = [] } = this.#live.patches
    return feedback.filter((one) => tenant === undefined || one.tenant === tenant).toReversed()
  }

  /** Checks the credentials of a tenant. */
  async check(id: string, secret: string): Promise<SecretVerdict> {
    const tenant = ownValue(this.all, id)
    // Ids are random, so the time of this answer does not help to find one.
    return tenant ? this.#checks.check(id, secret, tenant.secret) : 'wrong'
  }

  /** Creates a tenant. */
  async create(friendlyName: string): Promise<TenantOutcome<CreatedTenant>> {
    const full = {
      kind: 'full',
      text: `There are ${MAX_TENANTS} tenants, which is the maximum. Delete one with DELETE /_twin/tenants/{tenant_id}, or all with POST /_twin/reset as the administrator.`,
    } as const
    const isFull = (tenants: Patches['tenants'] = {}): boolean => Object.keys(tenants).length >= MAX_TENANTS
    if (isFull(this.all)) return full
    const id = randomUUID()
    const secret = createSecret()
    const hashed = await this.#checks.hash(secret)
    if (!hashed) return { kind: 'busy', text: tooManyChecks }
    const createdAt = this.#now()
    const tenant: Tenant = { friendlyName, secret: hashed, createdAt }
    return this.#change((patches) =>
      isFull(patches.tenants)
        ? { result: full }
        : {
            patches: { ...patches, tenants: { ...patches.tenants, [id]: tenant } },
            result: { kind: 'done', value: { id, secret, friendlyName, createdAt } },
          },
    )
  }

  /** Deletes a tenant with its resources and feedback. */
  remove(id: string): Promise<TenantOutcome<undefined>> {
    return this.#change((patches) => {
      if (!ownValue(patches.tenants, id)) return { result: { kind: 'unknown' } }
      const { patches: cleared } = this.#withoutState(patches, id)
      return {
        patches: { ...cleared, tenants: withoutKey(cleared.tenants, id) },
        result: { kind: 'done', value: undefined },
      }
    })
  }

  /** Deletes the resources and feedback of a tenant. Without a tenant, deletes all tenants. */
  clear(tenant?: string): Promise<TenantOutcome<Cleared>> {
    return this.#change((patches) => {
      const { patches: cleared, resources, feedback } = this.#withoutState(patches, tenant)
      const tenants = tenant === undefined ? Object.keys(patches.tenants ?? {}).length : 0
      return {
        patches: tenant === undefined ? { ...cleared, tenants: {} } : cleared,
        result: { kind: 'done', value: { tenants, resources, feedback } },
      }
    })
  }

  /** Adds feedback. */
  addFeedback(
    tenant: string,
    given: Pick<Feedback, 'body' | 'category' | 'context'>,
  ): Promise<TenantOutcome<Feedback>> {
    const now = this.#now()
    const added: Feedback = {
      id: `fb_${randomBytes(12).toString('base64url')}`,
      tenant,
      ...given,
      status: 'pending',
      createdAt: now,
      updatedAt: now,
    }
    return this.#change((patches) => {
      const { feedback = [] } = patches
      // Applied again after a store was not available.
      if (feedback.some(({ id }) => id === added.id)) return { result: { kind: 'done', value: added } }
      const isKnown = tenant === administratorId || ownValue(patches.tenants, tenant) !== undefined
      if (!isKnown) return { result: { kind: 'unknown' } }
      const own = feedback.filter((one) => one.tenant === tenant)
      if (feedback.length >= MAX_FEEDBACK || own.length >= MAX_FEEDBACK_OF_TENANT) {
        const text = `There can be at most ${MAX_FEEDBACK_OF_TENANT} entries of feedback of a tenant, and ${MAX_FEEDBACK} of all. Delete one with DELETE /_twin/feedback/{id}.`
        return { result: { kind: 'full', text } }
      }
      return {
        patches: { ...patches, feedback: [...feedback, added] },
        result: { kind: 'done', value: added },
      }
    })
  }

  /** Changes the status of feedback. */
  setFeedbackStatus(id: string, status: Feedback['status']): Promise<TenantOutcome<Feedback>> {
    const updatedAt = this.#now()
    return this.#change((patches) => {
      const { feedback = [] } = patches
      const before = feedback.find((one) => one.id === id)
      if (!before) return { result: { kind: 'unknown' } }
      const changed = { ...before, status, updatedAt }
      return {
        patches: { ...patches, feedback: feedback.map((one) => (one === before ? changed : one)) },
        result: { kind: 'done', value: changed },
      }
    })
  }

  /** Deletes feedback of a tenant; without one, of any. */
  removeFeedback(id: string, tenant?: string): Promise<TenantOutcome<undefined>> {
    return this.#change((patches) => {
      const { feedback = [] } = patches
      const others = feedback.filter(
        (one) => one.id !== id || (tenant !== undefined && one.tenant !== tenant),
      )
      if (others.length === feedback.length) return { result: { kind: 'unknown' } }
      return { patches: { ...patches, feedback: others }, result: { kind: 'done', value: undefined } }
    })
  }

  #withoutState(patches: Patches, tenant: string | undefined) {
    const isOwn = (owner: string | undefined): boolean =>
      tenant === undefined ? owner !== undefined : owner === tenant
    const names = Object.entries(patches.made ?? {}).flatMap(([name, made]) =>
      isOwn(made?.tenant) ? [name] : [],
    )
    const { feedback = [] } = patches
    const kept = feedback.filter((one) => !isOwn(one.tenant))
    return {
      patches: { ...withoutResources(patches, new Set(names), this.#live.base), feedback: kept },
      resources: names.length,
      feedback: feedback.length - kept.length,
    }
  }

  async #change<T>(
    plan: (patches: Patches) => { readonly patches?: Patches; readonly result: TenantOutcome<T> },
  ): Promise<TenantOutcome<T>> {
    const { problems, result } = await this.#live.update(plan)
    return problems.length > 0 ? { kind: 'invalid', text: problems.join(' ') } : result
  }

  #now(): string {
    return new Date(this.#clock.epochMs()).toISOString()
  }
}

/** Numbers of what was deleted. */
export interface Cleared {
  readonly tenants: number
  readonly resources: number
  readonly feedback: number
}

/** Text of the 429 when too many secrets wait for their check. */
export const tooManyChecks =
  'Could not check the credentials: too many others are being checked. Retry in a second.'
