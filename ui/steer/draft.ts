import type { Change } from '../components/diff.ts'
import { quoteForShell } from '../lib/format.ts'
import { changesOf, isEqual, isTree, mergePatchOf, type Tree } from './json-tree.ts'

/** What a draft changes: a resource with its settings and deployments, or an upstream. */
export interface Target {
  readonly kind: 'resource' | 'upstream'
  readonly name: string
}

/** Returns a text that is unique for a target. */
export function targetId({ kind, name }: Target): string {
  return `${kind}:${name}`
}

/** A document with its draft. */
export interface Draft {
  readonly target: Target
  /** As the simulator has it, with keys in snake_case; undefined for a new one. */
  readonly base: Tree | undefined
  /** Undefined: it is deleted. */
  readonly edited: Tree | undefined
}

/** A call of the admin API that was not sent yet. */
export interface Call {
  readonly title: string
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** Absent for a call without a body. */
  readonly body?: unknown
  readonly changes: readonly Change[]
  /** The target of the draft that it sends; absent for an action. */
  readonly target?: Target
}

export const defaultResource = 'default'

/** Returns whether a draft changes something. */
export function isChanged({ base, edited }: Draft): boolean {
  return !isEqual(base, edited)
}

/**
 * Returns the call that sends a draft.
 *
 * @param patchable first members that `PATCH /++/resources/{resource}` accepts; another changed member needs the whole entry
 */
export function callOf({ target, base, edited }: Draft, patchable: ReadonlySet<string>): Call {
  const { kind, name } = target
  const path = `/++/${kind}s/${encodeURIComponent(name)}`
  const changes = changesOf(base, edited)
  const word = kind === 'resource' ? `resource ${name}` : `upstream ${name}`
  if (edited === undefined) return { title: `Delete the ${word}`, method: 'DELETE', path, changes, target }
  if (base === undefined)
    return { title: `Create the ${word}`, method: 'PUT', path, body: edited, changes, target }
  const patch = mergePatchOf(base, withDeploymentsOf(base, edited))
  const names = isTree(patch) ? Object.keys(patch) : []
  if (kind === 'resource' && name === defaultResource) {
    const { deployments, ...settings } = patch as Tree
    const body = { ...settings, ...(deployments !== undefined && { openai_deployments: deployments }) }
    return {
      title: 'Change the default resource',
      method: 'PATCH',
      path: '/++/config',
      body,
      changes,
      target,
    }
  }
  if (kind === 'resource' && names.every((member) => patchable.has(member)))
    return { title: `Change the ${word}`, method: 'PATCH', path, body: patch, changes, target }
  return { title: `Replace the ${word}`, method: 'PUT', path, body: edited, changes, target }
}

/** A removed list of deployments is an empty one: each of them is removed by its name. */
function withDeploymentsOf(base: Tree, edited: Tree): Tree {
  return isTree(base['deployments']) ? { deployments: {}, ...edited } : edited
}

/** Returns the call that starts a timetable. */
export function startCall(resource: string, timetable: Tree, running: unknown): Call {
  return {
    title: `Start incidents in the resource ${resource}`,
    method: 'POST',
    path: `/++/incidents/start?resource=${encodeURIComponent(resource)}`,
    body: timetable,
    changes: changesOf({ incidents: running ?? 'none' }, { incidents: timetable }),
  }
}

const hidden = '[hidden]'

function isSecret(key: string | number | undefined, value: unknown): boolean {
  return typeof value === 'string' && value !== '[redacted]' && /(?:^|_)(?:key|secret)$/.test(String(key))
}

/** Returns a copy of a body in which secrets that were typed are hidden, to show it. */
export function hideSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideSecrets)
  if (!isTree(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, isSecret(key, member) ? hidden : hideSecrets(member)]),
  )
}

/** Does the same with changes. */
export function hideSecretsIn(changes: readonly Change[]): readonly Change[] {
  return changes.map(({ path, before, after }) => {
    const hide = (value: unknown): unknown => (isSecret(path.at(-1), value) ? hidden : hideSecrets(value))
    return { path, before: hide(before), after: hide(after) }
  })
}

/** Returns a command for the shell that makes a call. The admin key is a variable, and other secrets are hidden. */
export function curlOf({ method, path, body }: Call, origin: string): string {
  const lines = [`curl -X ${method} ${quoteForShell(`${origin}${path}`)}`, '-H "api-key: $ADMIN_API_KEY"']
  if (body !== undefined) lines.push(`-d ${quoteForShell(JSON.stringify(hideSecrets(body)))}`)
  return lines.join(' \\\n  ')
}
