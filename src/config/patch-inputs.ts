import { describeFirst, shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import type { FileEntries, ResourceInputs } from './config-inputs.ts'
import { define, mergePatch } from './json-merge-patch.ts'
import { camelKeys } from './key-case.ts'
import { describeWrongValue } from './resolve-inputs.ts'
import { hostKeys } from './settings-schema.ts'
import { type GivenValue, givenValue, type Setting, settingsTable } from './settings-table.ts'
import { showValue } from './show-value.ts'
import { isRecord } from '../lib/record.ts'

/** Where a patch has the deployments. */
export const deploymentsKey = 'openai_deployments'
/** And the faults over all of them. */
const faultsKey = 'faults'

/** The settings that can change at run time, by where a patch has them. */
const patchable: ReadonlyMap<string, Setting> = new Map(
  settingsTable().flatMap((setting) => (setting.patch === undefined ? [] : [[setting.patch, setting]])),
)

/** The settings that can change at run time, by where the administration has them: `latency.time_scale`. */
export function patchableSettings(): ReadonlyMap<string, Setting> {
  return patchable
}

/** What a patch makes of the inputs, unchecked, and what of the patch means nothing. */
export interface PatchedInputs<T extends ResourceInputs> {
  readonly inputs: T
  /** One sentence or two each, with the place in the patch. */
  readonly problems: readonly string[]
}

/**
 * Applies a patch: a JSON merge patch (RFC 7396) of what GET /++/config answers. Null puts a setting back to its default
 * and removes a deployment.
 *
 * @param isNamed whether they are those of a named resource, which has no settings of the host
 */
export function patchInputs<T extends ResourceInputs>(
  inputs: T,
  patch: unknown,
  isNamed = false,
): PatchedInputs<T> {
  if (!isRecord(patch)) {
    return {
      inputs,
      problems: [`The patch must be a mapping (got ${showValue(patch)}). Send a JSON object.`],
    }
  }
  const { [deploymentsKey]: deployments, [faultsKey]: faults, ...rest } = patch
  const problems: string[] = []
  const given = patchGiven(inputs.given, rest, problems, isNamed)
  if (deployments !== undefined && !isRecord(deployments)) {
    problems.push(
      `${deploymentsKey} must map deployment names to deployments (got ${showValue(deployments)}). Send an object.`,
    )
  }
  return {
    inputs: {
      ...inputs,
      given,
      ...(isRecord(deployments) && { deployments: patchDeployments(inputs.deployments, deployments) }),
      ...(faults !== undefined && {
        faults: { entries: { faults: faults === null ? [] : camelKeys(faults) }, place: 'patch' },
      }),
    },
    problems,
  }
}

/** Puts deployments, in the form of files, into the place of those of their names; null removes one. */
export function putDeployments<T extends ResourceInputs>(
  inputs: T,
  put: Readonly<Record<string, unknown>>,
): T {
  const { entries } = inputs.deployments
  const given = Object.entries(put)
  if (given.length === 0) return inputs
  // What is put stands behind what was there.
  const merged: Record<string, unknown> = isRecord(entries) ? { ...entries } : {}
  for (const [name] of given) delete merged[name]
  for (const [name, entry] of given) if (entry !== null) define(merged, name, entry)
  return { ...inputs, deployments: { entries: merged, place: deploymentsKey } }
}

function patchDeployments({ entries }: FileEntries, patch: Record<string, unknown>): FileEntries {
  const renamed = Object.fromEntries(Object.entries(patch).map(([name, entry]) => [name, camelKeys(entry)]))
  return { entries: mergePatch(entries, renamed), place: deploymentsKey }
}

function patchGiven(
  given: readonly GivenValue[],
  patch: Record<string, unknown>,
  problems: string[],
  isNamed: boolean,
): readonly GivenValue[] {
  const changes = new Map<Setting, GivenValue | undefined>()
  const unknown: { readonly place: string; readonly value: unknown }[] = []
  const walk = (node: Record<string, unknown>, prefix: string): void => {
    for (const [key, value] of Object.entries(node)) {
      const place = `${prefix}${key}`
      const setting = patchable.get(place)
      if (setting && isNamed && hostKeys.has(setting.path[0] ?? '')) {
        problems.push(`${place} is a setting of all resources together. Patch it there.`)
      } else if (setting && Array.isArray(value)) {
        // A list stands there in one text.
        problems.push(describeWrongValue(givenValue(setting, value, place)))
      } else if (setting) changes.set(setting, value === null ? undefined : givenValue(setting, value, place))
      else if (isGroup(place) && isRecord(value)) walk(value, `${place}.`)
      else unknown.push({ place, value })
    }
  }
  walk(patch, '')
  problems.push(...describeFirst(unknown, ({ place, value }) => describeUnknown(place, value)))
  const kept = given.filter(({ setting }) => !changes.has(setting))
  return [...kept, ...[...changes.values()].filter((change) => change !== undefined)]
}

function isGroup(place: string): boolean {
  return [...patchable.keys()].some((path) => path.startsWith(`${place}.`))
}

function describeUnknown(place: string, value: unknown): string {
  if (isGroup(place)) return `${place} must be a mapping (got ${showValue(value)}). Send an object.`
  const setting = settingsTable().find(({ env }) => env.toLowerCase().replace(/^simulator_/, '') === place)
  if (setting) return `${place} cannot change at run time. Set ${setting.env} and start again.`
  const [nearest] = nearestNames(place, [...patchable.keys(), deploymentsKey, faultsKey], 1)
  return `${shortText(place)} is no part of the configuration.${nearest === undefined ? ' Leave it out.' : ` Did you mean ${nearest}?`}`
}
