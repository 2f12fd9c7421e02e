import * as z from 'zod'
import { shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { frozenMap, isRecord } from '../lib/record.ts'
import { type Operation, operations } from '../wire/route.ts'
import { camelKey } from './mapping-file.ts'
import type { ValueKind } from './setting.ts'
import { showValue } from './zod-problems.ts'

/**
 * Which API version a request to an Azure upstream has: `as-asked` (that of the client), `v1` (paths below /openai/v1/), `by-model`
 * (the built-in versions) or a date. The operation has priority over the model.
 */
export interface ApiVersionRules {
  readonly default: string
  readonly byOperation: ReadonlyMap<Operation, string>
  /** In the order of their priority. Prefixes are in lower case. */
  readonly byModel: readonly { readonly prefix: string; readonly version: string }[]
}

const versionRule = 'as-asked, v1, by-model or a date such as 2024-10-21 or 2025-04-01-preview'
const isVersion = (value: string): boolean =>
  /^(?:as-asked|v1|by-model)$/.test(value) ||
  (/^\d{4}-\d{2}-\d{2}(?:-preview)?$/.test(value) && isDate(value))

function isDate(version: string): boolean {
  const date = version.slice(0, 10)
  const parsed = new Date(date)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date)
}

const MAX_VERSION_RULES = 100

/** Versions: one for all requests, or a mapping, or a text such as `responses=v1,gpt-5*=2025-04-01-preview,default=by-model`. */
export function apiVersionRules(): ValueKind<ApiVersionRules, string | Readonly<Record<string, string>>> {
  const given = z.union([z.string(), z.record(z.string(), z.string())])
  const schema = given.transform((value, context): ApiVersionRules => {
    const { rules, problems } = readVersions(value)
    for (const message of problems) context.addIssue({ code: 'custom', message })
    return rules
  })
  return {
    schema,
    read: (value) => value,
    range: `${versionRule}, or rules separated by commas: responses=v1, gpt-5*=2025-04-01-preview, default=by-model`,
    explain: (value) => readVersions(value).problems,
  }
}

function readVersions(value: unknown): {
  readonly rules: ApiVersionRules
  /** Each in sentences that follow the name of the setting. */
  readonly problems: readonly string[]
} {
  const problems: string[] = []
  const byOperation = new Map<Operation, string>()
  const byModel = new Map<string, string>()
  let byDefault: string | undefined
  const isText = typeof value === 'string'
  const pairs = versionPairs(value)
  if (pairs.length > MAX_VERSION_RULES)
    problems.push(` must have at most ${MAX_VERSION_RULES} rules (got ${pairs.length}).`)
  for (const [key, version] of pairs.slice(0, MAX_VERSION_RULES)) {
    const at = isText ? ` has the rule ${showValue(key)}, which` : `.${shortText(key)}`
    if (version === undefined) {
      const rule = isVersion(key) ? `default=${key}` : `${shortText(key)}=v1`
      problems.push(` has the rule ${showValue(key)}, which lacks "=". Write ${rule}, for example.`)
      continue
    }
    const word = typeof version === 'string' ? version.trim().toLowerCase() : ''
    if (!isVersion(word)) {
      const where = key === '' ? '' : at
      problems.push(`${where} must be ${versionRule} (got ${showValue(version)}). Correct it.`)
      continue
    }
    const name = camelKey(key)
    const prefix = key.endsWith('*') ? key.slice(0, -1).trim().toLowerCase() : ''
    const isTwice =
      name === 'default' || key === ''
        ? byDefault !== undefined
        : prefix === ''
          ? byOperation.has(name as Operation)
          : byModel.has(prefix)
    if (isTwice) problems.push(`${at} is given twice. Remove one of them.`)
    else if (name === 'default' || key === '') byDefault = word
    else if (prefix !== '') byModel.set(prefix, word)
    else if (Object.hasOwn(operations, name)) byOperation.set(name as Operation, word)
    else {
      const [nearest] = nearestNames(name, Object.keys(operations), 1)
      const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
      problems.push(`${at} is not an operation, default, or a model prefix that ends with "*".${hint}`)
    }
  }
  return {
    rules: {
      default: byDefault ?? 'as-asked',
      byOperation: frozenMap(byOperation),
      byModel: Array.from(byModel, ([prefix, version]) => ({ prefix, version })),
    },
    problems,
  }
}

/** Returns the rules as keys and versions. The key of a version for all requests is empty. */
function versionPairs(value: unknown): readonly (readonly [key: string, version: unknown])[] {
  if (isRecord(value)) return Object.entries(value)
  if (typeof value !== 'string' || !value.includes('=')) return [['', value]]
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .map((item) => {
      const equals = item.indexOf('=')
      return equals < 0 ? [item, undefined] : [item.slice(0, equals).trim(), item.slice(equals + 1).trim()]
    })
}
