import { api, ApiError } from '../lib/api.ts'
import { createStore, useStore } from '../lib/store.ts'
import { type Call, callOf, defaultResource, type Draft, isChanged, type Target, targetId } from './draft.ts'
import {
  type Conflict,
  getAt,
  isEqual,
  isTree,
  type Path,
  rebase,
  setAt,
  type Tree,
  withoutNulls,
} from './json-tree.ts'
import type { PlacedProblem } from './problem-paths.ts'
import { type Field, fieldOf, type Schemas } from './schema-form.ts'

/** Forms of the parts of the configuration, by the name of their schema. */
export type FormName =
  | 'ConfigPatch'
  | 'ResourceEntry'
  | 'ResourcePatch'
  | 'Deployment'
  | 'Upstream'
  | 'IncidentTimetable'
  | 'FaultRule'

type Drafts = ReadonlyMap<string, Draft>

export interface SteerState {
  readonly schemas: Schemas | undefined
  /** Names of resources, the default one first. */
  readonly resources: readonly string[]
  readonly upstreams: readonly string[]
  /** Settings of the default resource, which others inherit. */
  readonly inherited: Tree
  /** By the id of their target. Also has documents that are not changed. */
  readonly drafts: Drafts
  /** Drafts before each edit, for undo. */
  readonly past: readonly Drafts[]
  readonly conflicts: ReadonlyMap<string, readonly Conflict[]>
  /** What the simulator says about a draft, by the id of its target. */
  readonly problems: ReadonlyMap<string, readonly PlacedProblem[]>
  /** What was sent last, to undo it. */
  readonly sent: readonly Draft[]
  /** Why the configuration could not be read. */
  readonly failure: string | undefined
}

const nothing: SteerState = {
  schemas: undefined,
  resources: [],
  upstreams: [],
  inherited: {},
  drafts: new Map(),
  past: [],
  conflicts: new Map(),
  problems: new Map(),
  sent: [],
  failure: undefined,
}

/** What the view knows of the configuration, with the draft. */
export const store = createStore<SteerState>(nothing)

export function useSteer(): SteerState {
  return useStore(store)
}

const MAX_PAST = 200
/** Changes of one value within this time are one step of undo: a slider moves. */
const SAME_EDIT_MS = 800

/** Replaces parts of the state. */
export function update(change: Partial<SteerState>): void {
  store.set({ ...store.get(), ...change })
}

const pathOf = ({ kind, name }: Target): string => `/++/${kind}s/${encodeURIComponent(name)}`

/** Returns a document as forms edit it: without nulls, and with deployments by one name. */
export async function read(target: Target): Promise<Tree> {
  if (target.kind === 'upstream') {
    // The form of an upstream that is not set yet is open too.
    const { upstreams } = await api.get<{ upstreams: Tree }>('/++/upstreams')
    if (!Object.hasOwn(upstreams, target.name)) throw new ApiError(404, 'NotFound', 'Unknown upstream.')
    return api.get<Tree>(pathOf(target))
  }
  if (target.name !== defaultResource) {
    const { entry } = await api.get<{ entry: Tree }>(pathOf(target))
    return withoutNulls(entry) as Tree
  }
  const { openai_deployments: deployments, ...settings } = await api.get<Tree>('/++/config')
  return withoutNulls({ ...settings, deployments }) as Tree
}

/** Reads schemas, names and the default resource. */
export async function open(): Promise<void> {
  try {
    if (!store.get().schemas) {
      const document = await api.get<{ components: { schemas: Schemas } }>('/++/openapi.json')
      update({ schemas: document.components.schemas })
    }
    // The configuration may have changed while another view was open.
    if (store.get().drafts.size > 0) return await refresh()
    await readNames()
    await ensure({ kind: 'resource', name: defaultResource })
    update({ failure: undefined })
  } catch (error) {
    update({ failure: messageOf(error) })
  }
}

async function readNames(): Promise<void> {
  const { resources } = await api.get<{ resources: Tree }>('/++/resources')
  const { upstreams } = await api.get<{ upstreams: Tree }>('/++/upstreams')
  const config = await api.get<Tree>('/++/config')
  // The settings that a patch cannot change, as far as they are set.
  const { entry } = await api.get<{ entry: Tree }>(`/++/resources/${defaultResource}`)
  const others = Object.keys(resources).filter((name) => name !== defaultResource)
  update({
    inherited: { ...entry, ...config },
    resources: [defaultResource, ...others.toSorted()],
    // The default one is shown even if it is not set, so that it can be.
    upstreams: [...new Set(['default', ...Object.keys(upstreams)])],
  })
}

/** Reads a document, unless it was read. */
export async function ensure(target: Target): Promise<void> {
  const id = targetId(target)
  if (store.get().drafts.has(id)) return
  try {
    const base = await read(target)
    const { drafts } = store.get()
    if (!drafts.has(id)) update({ drafts: new Map(drafts).set(id, { target, base, edited: base }) })
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error
    const { drafts } = store.get()
    update({ drafts: new Map(drafts).set(id, { target, base: undefined, edited: undefined }) })
  }
}

let running = Promise.resolve()

/** Reads all documents again, after a change by this page or by others. Drafts are kept on top. */
export function refresh(): Promise<void> {
  running = running.then(refreshNow).catch((error: unknown) => update({ failure: messageOf(error) }))
  return running
}

async function refreshNow(): Promise<void> {
  await readNames()
  const targets = [...store.get().drafts.values()].map(({ target }) => target)
  for (const target of targets) await refreshOne(target)
  update({ failure: undefined })
}

/** Reads a document again, and applies its draft on top. Returns whether there are conflicts. */
export async function refreshOne(target: Target): Promise<boolean> {
  const id = targetId(target)
  const theirs = await read(target).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  })
  const { drafts, conflicts } = store.get()
  const draft = drafts.get(id)
  const before = conflicts.get(id) ?? []
  if (!draft || isEqual(draft.base, theirs)) return before.length > 0
  const rebased = rebase(draft.base, draft.edited, theirs)
  const edited = rebased.merged as Tree | undefined
  const changed = rebased.conflicts.filter(({ path }) => !before.some((one) => isEqual(one.path, path)))
  const all = [
    // A conflict that was found before has a newer value of others.
    ...before.map(({ path, before: old, mine }) => ({
      path,
      before: old,
      mine,
      theirs: getAt(theirs, path),
    })),
    ...changed,
  ].filter(({ path, theirs: value }) => !isEqual(value, getAt(edited, path)))
  update({
    drafts: new Map(drafts).set(id, { target, base: theirs, edited }),
    conflicts: withEntry(conflicts, id, all),
    // Steps of undo are drafts of the document before.
    past: [],
  })
  return all.length > 0
}

/** Returns a map with another list; an empty one is removed. */
export function withEntry<Value>(
  map: ReadonlyMap<string, readonly Value[]>,
  id: string,
  values: readonly Value[],
): ReadonlyMap<string, readonly Value[]> {
  const copy = new Map(map)
  if (values.length === 0) copy.delete(id)
  else copy.set(id, values)
  return copy
}

let lastEdit = { key: '', at: 0 }

/** Changes a value of a draft. Undefined removes it, which sets it to its default. */
export function edit(target: Target, path: Path, value: unknown): void {
  const id = targetId(target)
  const { drafts, past, problems } = store.get()
  const draft = drafts.get(id) ?? { target, base: undefined, edited: undefined }
  const changed = setAt(draft.edited ?? {}, path, value)
  const edited = (
    value === undefined && path.length > 0 ? withoutEmpty(changed, path, draft.base) : changed
  ) as Tree
  const key = JSON.stringify([id, path])
  const now = Date.now()
  const isSame = key === lastEdit.key && now - lastEdit.at < SAME_EDIT_MS && past.length > 0
  lastEdit = { key, at: now }
  update({
    drafts: new Map(drafts).set(id, { ...draft, edited }),
    past: isSame ? past : [...past, drafts].slice(-MAX_PAST),
    // The simulator has not seen the new value yet.
    problems: withEntry(
      problems,
      id,
      (problems.get(id) ?? []).filter((one) => !isEqual(one.path.slice(0, path.length), path)),
    ),
  })
}

/** Removes parents that are empty now and that the document did not have. */
function withoutEmpty(edited: unknown, path: Path, base: Tree | undefined): unknown {
  const parent = path.slice(0, -1)
  if (parent.length === 0) return edited
  const value = getAt(edited, parent)
  if (!isTree(value) || Object.keys(value).length > 0 || getAt(base, parent) !== undefined) return edited
  return withoutEmpty(setAt(edited, parent, undefined), parent, base)
}

/** Marks a document as deleted. */
export function remove(target: Target): void {
  const id = targetId(target)
  const { drafts, past } = store.get()
  const draft = drafts.get(id)
  if (!draft) return
  lastEdit = { key: '', at: 0 }
  update({ drafts: new Map(drafts).set(id, { ...draft, edited: undefined }), past: [...past, drafts] })
}

/** Replaces a whole draft, such as with the text of the editor. */
export function replace(target: Target, edited: Tree): void {
  lastEdit = { key: '', at: 0 }
  edit(target, [], edited)
}

export function undo(): void {
  const { past, drafts } = store.get()
  const before = past.at(-1)
  lastEdit = { key: '', at: 0 }
  if (!before) return
  // Documents that were read after the edit have no changes before it.
  const undone = Array.from(drafts, ([id, draft]) => [id, before.get(id) ?? unchanged(draft)] as const)
  update({ drafts: new Map(undone), past: past.slice(0, -1), problems: new Map() })
}

function unchanged({ target, base }: Draft): Draft {
  return { target, base, edited: base }
}

/** Drops all changes that were not sent. */
export function discard(): void {
  const { drafts, past } = store.get()
  lastEdit = { key: '', at: 0 }
  update({
    drafts: new Map(Array.from(drafts, ([id, draft]) => [id, unchanged(draft)])),
    past: [...past, drafts],
    conflicts: new Map(),
    problems: new Map(),
  })
}

/** Decides a conflict. */
export function resolve(target: Target, { path, theirs }: Conflict, keeps: 'mine' | 'theirs'): void {
  const id = targetId(target)
  if (keeps === 'theirs') edit(target, path, theirs)
  const { conflicts } = store.get()
  const others = (conflicts.get(id) ?? []).filter((one) => !isEqual(one.path, path))
  update({ conflicts: withEntry(conflicts, id, others) })
}

/** Returns a form; undefined until the schemas are read. */
export function formOf(name: FormName): Field | undefined {
  const { schemas } = store.get()
  if (!schemas) return undefined
  return fieldOf(schemas[name], schemas, '')
}

/** Returns the drafts with changes. Upstreams are sent before what names them. */
export function changedDrafts({ drafts }: SteerState): readonly Draft[] {
  const changed = [...drafts.values()].filter(isChanged)
  const isLate = ({ target, edited }: Draft): number => {
    if (target.kind === 'upstream') return edited === undefined ? 2 : 0
    return 1
  }
  return changed.toSorted((a, b) => isLate(a) - isLate(b))
}

/** Returns the calls that send drafts. */
export function callsOf(drafts: readonly Draft[]): readonly Call[] {
  const properties = store.get().schemas?.['ResourcePatch']?.['properties']
  const patchable = new Set(Object.keys(isTree(properties) ? properties : {}))
  return drafts.map((draft) => callOf(draft, patchable))
}

/** Returns the call of a single change, without the others of the draft. */
export function callFor(
  target: Target,
  changes: readonly (readonly [path: Path, value: unknown])[],
): Call | undefined {
  const base = store.get().drafts.get(targetId(target))?.base
  const edited = changes.reduce<unknown>((tree, [path, value]) => setAt(tree, path, value), base)
  return callsOf([{ target, base, edited: edited as Tree }]).find((call) => call.changes.length > 0)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
