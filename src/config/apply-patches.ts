import { shortText } from '../lib/error-text.ts'
import { ownValue } from '../lib/record.ts'
import type { ResourceKey } from './access-settings.ts'
import { defaultResourceName } from './config.ts'
import {
  type Changes,
  type MadeResource,
  noChanges,
  type PatchedInputs,
  patchInputs,
  type Patches,
  putDeployments,
  type StoredUpstream,
} from './patches.ts'
import type { ConfigInputs, ResourceInputs } from './read-inputs.ts'
import { readResourceEntry } from './resource-entry.ts'
import { readUpstreamEntry, isUpstreamSetting, type UpstreamInputs, type UpstreamTable } from './upstreams.ts'
import { defaultUpstream, partOf } from './file-settings.ts'

/** Inputs with all changes since the start. */
export interface AppliedPatches extends PatchedInputs<ConfigInputs> {
  /** Changes that have no effect, one sentence each. */
  readonly warnings: readonly string[]
}

/** Returns the inputs of a resource. */
export function inputsOf(inputs: ConfigInputs, resource: string): ResourceInputs | undefined {
  if (resource === defaultResourceName) return inputs
  const { resources = {} } = inputs
  return Object.hasOwn(resources, resource) ? resources[resource] : undefined
}

/** Applies the changes since the start to the inputs of the start. Equal changes give the same objects. */
export function applyPatches(base: ConfigInputs, patches: Patches): AppliedPatches {
  const own = ownPatchedOnce(base, patches)
  const { inputs, problems } = withUpstreams(own.inputs, patches.upstreams)
  const { made = {}, resources: changed = {} } = patches
  const all = [...own.problems, ...problems]
  if (Object.keys(made).length === 0 && Object.keys(changed).length === 0)
    return { inputs, problems: all, warnings: [] }
  const resources: Record<string, ResourceInputs> = { ...base.resources }
  const add = (name: string, found: readonly string[]): void => {
    for (const problem of found) all.push(`resources.${name}: ${problem}`)
  }
  for (const [name, resource] of Object.entries(made)) {
    delete resources[name]
    if (resource === null) continue
    const read = readMade(resource, base)
    resources[name] = read.inputs
    add(name, read.problems)
  }
  const warnings: string[] = []
  for (const [name, changes] of Object.entries(changed)) {
    const own = ownValue(resources, name)
    if (!own) {
      warnings.push(
        `The changes of the resource ${shortText(name)} have no effect, because the configuration does not have it any more.`,
      )
      continue
    }
    const patched = patchedOnce(own, changes)
    resources[name] = patched.inputs
    add(name, patched.problems)
  }
  return { inputs: { ...inputs, resources }, problems: all, warnings }
}

interface ReadUpstream {
  readonly inputs: UpstreamInputs
  readonly problems: readonly string[]
}

const readUpstreams = new WeakMap<StoredUpstream, ReadUpstream>()

/** Reads an upstream that was put at run time. Equal changes give the same object. */
function readUpstream(name: string, entry: StoredUpstream): ReadUpstream {
  const before = readUpstreams.get(entry)
  if (before) return before
  const read = readUpstreamEntry(name, entry, `upstreams.${partOf(name)}`, {})
  readUpstreams.set(entry, read)
  return read
}

const tablesBefore = new WeakMap<object, { readonly base: UpstreamTable; readonly table: UpstreamTable }>()
const noUpstreams: UpstreamTable = {}

/** Adds, replaces and removes upstreams. Those of the default one are settings. */
function withUpstreams(
  inputs: ConfigInputs,
  changes: Patches['upstreams'],
): { readonly inputs: ConfigInputs; readonly problems: readonly string[] } {
  if (!changes || Object.keys(changes).length === 0) return { inputs, problems: [] }
  const problems: string[] = []
  const { upstreams: base = noUpstreams } = inputs
  const table: Record<string, UpstreamInputs> = { ...base }
  let { given } = inputs
  for (const [name, entry] of Object.entries(changes)) {
    const read = entry === null ? undefined : readUpstream(name, entry)
    problems.push(...(read?.problems ?? []))
    if (name === defaultUpstream)
      given = [...given.filter((one) => !isUpstreamSetting(one)), ...(read?.inputs.given ?? [])]
    else if (read) table[name] = read.inputs
    else delete table[name]
  }
  const before = tablesBefore.get(changes)
  const upstreams = before?.base === base ? before.table : table
  tablesBefore.set(changes, { base, table: upstreams })
  return { inputs: { ...inputs, given, upstreams }, problems }
}

interface Read {
  readonly inputs: ResourceInputs
  readonly problems: readonly string[]
}

const readBefore = new WeakMap<MadeResource, Read & Pick<ConfigInputs, 'models'>>()

function readMade(made: MadeResource, { models }: ConfigInputs): Read {
  const before = readBefore.get(made)
  if (before?.models === models) return before
  const { entry, keys, id, secret, tenant } = made
  const { inputs, problems } = readResourceEntry(entry, { models, generatedKey: secret })
  const named = { ...inputs, keys, id, ...(tenant !== undefined && { tenant }) }
  const read = { inputs: named, problems, models }
  readBefore.set(made, read)
  return read
}

const ownBefore = new WeakMap<
  ConfigInputs,
  { readonly changes: Changes; readonly to: PatchedInputs<ConfigInputs> }
>()

/** Applies the changes of the default resource. Changes of other resources leave the result the same object. */
function ownPatchedOnce(base: ConfigInputs, changes: Changes): PatchedInputs<ConfigInputs> {
  const before = ownBefore.get(base)
  if (before && isSameChange(before.changes, changes)) return before.to
  const to = withOwnChanges(base, changes, false)
  ownBefore.set(base, { changes, to })
  return to
}

function isSameChange(some: Changes, other: Changes): boolean {
  return (
    some.put === other.put &&
    some.patch === other.patch &&
    some.keys === other.keys &&
    some.signingKey === other.signingKey
  )
}

const patchedBefore = new WeakMap<Changes, Read & { readonly own: ResourceInputs }>()

function patchedOnce(own: ResourceInputs, changes: Changes): Read {
  const before = patchedBefore.get(changes)
  if (before?.own === own) return before
  const patched = { ...withOwnChanges(own, changes, true), own }
  patchedBefore.set(changes, patched)
  return patched
}

function withOwnChanges<T extends ResourceInputs>(
  own: T,
  changes: Changes,
  isNamed: boolean,
): PatchedInputs<T> {
  const { put, patch, keys, signingKey } = changes
  if (changes === noChanges) return { inputs: own, problems: [] }
  const { inputs, problems } = patchInputs(putDeployments(own, put), patch, isNamed)
  if (!keys && !signingKey) return { inputs, problems }
  const changed = {
    ...inputs,
    ...(keys && { keys: withKeys(inputs.keys, keys) }),
    ...(signingKey && { signingKey }),
  }
  return { inputs: changed, problems }
}

function withKeys(
  before: readonly ResourceKey[] = [],
  changes: Readonly<Record<string, ResourceKey | null>>,
): readonly ResourceKey[] {
  const others = before.filter(({ id }) => !Object.hasOwn(changes, id))
  return [...others, ...Object.values(changes).filter((key) => key !== null)]
}
