import { defaultResourceName } from '../config/config.ts'
import { defaultUpstream, partOf } from '../config/file-settings.ts'
import type { LiveConfig } from '../config/live-config.ts'
import type { Patches } from '../config/patches.ts'
import type { ConfigInputs } from '../config/read-inputs.ts'
import {
  isUpstreamSetting,
  readUpstreamEntry,
  resolveUpstream,
  showUpstream,
  storedUpstream,
  type Upstream,
  type UpstreamInputs,
} from '../config/upstreams.ts'
import { ownValue, withoutKey } from '../lib/record.ts'

const MAX_UPSTREAMS = 1_000

/** What uses an upstream: `deployments.chat`, `resources.acme.deployments.chat` or `resources.acme`. */
type Users = readonly string[]

/** Result of a change of upstreams. Nothing has changed unless it is `done`. Problems have one or two sentences each. */
export type UpstreamOutcome =
  | { readonly kind: 'done'; readonly isNew: boolean }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'used'; readonly problems: readonly string[] }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }

/** The one place that changes upstreams at run time. */
export class UpstreamBook {
  readonly #live: LiveConfig

  constructor(live: LiveConfig) {
    this.#live = live
  }

  /** Returns the names of all upstreams, the default one first if it has any setting. */
  names(): readonly string[] {
    const { inputs } = this.#live
    const own = inputsOf(inputs, defaultUpstream) ? [defaultUpstream] : []
    return [...own, ...Object.keys(inputs.upstreams ?? {})]
  }

  /** Returns the upstream that is in force; undefined if it does not exist, or is incomplete. */
  find(name: string): Upstream | undefined {
    return this.#live.current.upstreams.get(name)
  }

  /** Returns the entry of an upstream in the form of the configuration file, without secrets. */
  show(name: string): Record<string, unknown> | undefined {
    const inputs = inputsOf(this.#live.inputs, name)
    return inputs && showUpstream(inputs)
  }

  /** Returns what names an upstream. */
  usersOf(name: string): Users {
    const { current, inputs } = this.#live
    const users: string[] = []
    for (const [resource, { deployments }] of current.resources) {
      const prefix = resource === defaultResourceName ? '' : `resources.${resource}.`
      for (const { name: deployment, to } of deployments.values())
        if (to?.upstream === name) users.push(`${prefix}deployments.${partOf(deployment)}`)
      if (ownValue(inputs.resources, resource)?.upstream === name) users.push(`resources.${resource}`)
    }
    return users
  }

  /** Creates or replaces an upstream. Secrets that are sent as they are shown stay the same. */
  async put(name: string, entry: unknown): Promise<UpstreamOutcome> {
    return this.#change((patches, inputs) => {
      const before = inputsOf(inputs, name)
      const read = readUpstreamEntry(name, entry, `upstreams.${partOf(name)}`, { before })
      const problems = [...read.problems, ...resolveUpstream(name, read.inputs).problems]
      if (problems.length > 0) return { result: { kind: 'invalid', problems } }
      if (!before && Object.keys(inputs.upstreams ?? {}).length >= MAX_UPSTREAMS) {
        const problem = `The simulator can have at most ${MAX_UPSTREAMS} upstreams. Delete one first.`
        return { result: { kind: 'invalid', problems: [problem] } }
      }
      return {
        patches: withUpstream(patches, name, storedUpstream(read.inputs)),
        result: { kind: 'done', isNew: !before },
      }
    })
  }

  /** Deletes an upstream that nothing uses. */
  async remove(name: string): Promise<UpstreamOutcome> {
    const outcome = await this.#change((patches, inputs) => {
      if (!inputsOf(inputs, name)) return { result: { kind: 'unknown' } }
      const users = this.usersOf(name)
      if (users.length > 0) {
        const problems = users.map((user) => `${user} uses it. Change ${user} first.`)
        return { result: { kind: 'used', problems } }
      }
      const { base } = this.#live
      const isConfigured = inputsOf(base, name) !== undefined
      const next = isConfigured
        ? withUpstream(patches, name, null)
        : { ...patches, upstreams: withoutKey(patches.upstreams, name) }
      return { patches: next, result: { kind: 'done', isNew: false } }
    })
    // A mode can need the default upstream.
    return outcome.kind === 'invalid' ? { kind: 'used', problems: outcome.problems } : outcome
  }

  async #change(
    plan: (
      patches: Patches,
      inputs: ConfigInputs,
    ) => { readonly patches?: Patches; readonly result: UpstreamOutcome },
  ): Promise<UpstreamOutcome> {
    const { problems, result } = await this.#live.update(plan)
    return problems.length > 0 ? { kind: 'invalid', problems } : result
  }
}

function withUpstream(
  patches: Patches,
  name: string,
  entry: Readonly<Record<string, unknown>> | null,
): Patches {
  // The last one is the newest.
  return { ...patches, upstreams: { ...withoutKey(patches.upstreams, name), [name]: entry } }
}

/** The settings of an upstream; undefined if it does not exist, or if the default one has none. */
function inputsOf({ given, upstreams }: ConfigInputs, name: string): UpstreamInputs | undefined {
  if (name !== defaultUpstream) return ownValue(upstreams, name)
  const own = given.filter(isUpstreamSetting)
  return own.length === 0 ? undefined : { given: own, location: `upstreams.${defaultUpstream}` }
}
