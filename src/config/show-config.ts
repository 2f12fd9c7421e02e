import type { ResourceInputs } from './config-inputs.ts'
import { snakeKeys } from './key-case.ts'
import { patchableSettings } from './patch-inputs.ts'
import { normalizeEntry } from './resolve-deployment.ts'
import type { GivenValue } from './settings-table.ts'
import type { Settings } from './settings-schema.ts'
import { isRecord } from './mapping-schema.ts'

/**
 * The part of the configuration that can change at run time, as the administration shows and takes it: snake_case, settings
 * by their place, deployments and faults as they were given. No secret is in it.
 */
export function showConfig(
  { given, deployments, faults }: ResourceInputs,
  settings: Settings,
): Readonly<Record<string, unknown>> {
  const shown: Record<string, unknown> = {}
  for (const [place, { path, env }] of patchableSettings()) {
    const value = valueAt(settings, path)
    // A list in the words in which it was given, which are also those in which it can be sent.
    const asGiven =
      typeof value === 'object' ? textOf(given.find(({ setting }) => setting.env === env)) : value
    setAt(shown, place.split('.'), asGiven ?? null)
  }
  const listed = isRecord(faults?.entries) ? faults.entries['faults'] : undefined
  const entries = isRecord(deployments.entries) ? deployments.entries : {}
  return {
    ...shown,
    faults: snakeKeys(listed ?? []),
    openai_deployments: Object.fromEntries(
      Object.entries(entries).map(([name, entry]) => [name, snakeKeys(normalizeEntry(entry))]),
    ),
  }
}

/** An entry of the deployment file in the same form; undefined where there is none of this name. */
export function showDeployment({ deployments: { entries } }: ResourceInputs, name: string): unknown {
  return isRecord(entries) && Object.hasOwn(entries, name)
    ? snakeKeys(normalizeEntry(entries[name]))
    : undefined
}

function textOf(given: GivenValue | undefined): string | undefined {
  if (!given) return undefined
  const { typed, value, setting } = given
  return typeof typed === 'string' ? typed : setting.write?.(value as never)
}

function valueAt(tree: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, key) => (isRecord(node) ? node[key] : undefined), tree)
}

function setAt(node: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) node[key] = value
  else setAt((node[key] ??= {}) as Record<string, unknown>, rest, value)
}
