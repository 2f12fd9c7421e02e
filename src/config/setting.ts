import { z } from 'zod'
import type { ValueKind } from './value-kind.ts'

/** The chapters of the configuration, in the order in which documents show them. */
export const settingGroups = [
  'Simulation',
  'Access',
  'Server',
  'Deployments',
  'Recordings',
  'Content filter',
  'Latency',
  'Faults',
  'Journal',
  'Many machines',
  'Telemetry',
] as const

/** One of `settingGroups`. */
export type SettingGroup = (typeof settingGroups)[number]

/** What a leaf of the schema tells of itself beside its check. */
export interface SettingDetails {
  readonly env: string
  readonly group: SettingGroup
  readonly description: string
  /** Absent for what is not measured. */
  readonly unit?: string
  /** As an operator would write it; absent where leaving it unset means something else. */
  readonly default?: string | number | boolean
  /** What leaving it unset means, for a setting without a default. */
  readonly unsetMeaning?: string
  /** Where PATCH /++/config has it, dotted: `latency.time_scale`; absent for what only a new start changes. */
  readonly patch?: string
  /** True when the value must never be printed. */
  readonly secret?: boolean
  /** True when a refused value may hold a secret, such as a password in an address: no message quotes it. */
  readonly mayHoldSecret?: boolean
}

/** Details of every leaf, with its range in words, and how text becomes its value and a value text. */
export const settingRegistry = z.registry<
  SettingDetails & {
    readonly range: string
    readonly read: (text: string) => unknown
    readonly write: ((value: never) => string) | undefined
  }
>()

type Required<T, Given> = z.ZodPrefault<z.ZodType<T, Given>>
type Optional<T, Given> = z.ZodOptional<z.ZodType<T, Given>>

/** Makes a leaf of the schema. The default goes through the same check as any other value. */
export function setting<T, Given>(
  kind: ValueKind<T, Given>,
  details: SettingDetails & { readonly default: string | number | boolean },
): Required<T, Given>
export function setting<T, Given>(kind: ValueKind<T, Given>, details: SettingDetails): Optional<T, Given>
export function setting<T, Given>(
  { schema: checked, read, write, range }: ValueKind<T, Given>,
  details: SettingDetails,
): Required<T, Given> | Optional<T, Given> {
  const schema =
    details.default === undefined
      ? checked.optional()
      : checked.prefault(() => read(String(details.default)) as never)
  settingRegistry.add(schema, { ...details, range, read, write })
  return schema
}
