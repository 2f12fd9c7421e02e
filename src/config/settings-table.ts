import { z } from 'zod'
import { type SettingGroup, settingRegistry } from './setting.ts'
import { settingsSchema } from './settings-schema.ts'

/** One setting, as documents and command-line help show it. */
export interface Setting {
  /** Where the value stands in `Config`; a few settings are turned into something else there. */
  readonly path: readonly string[]
  readonly env: string
  /** The flag, with its dashes: `--log-level`. It takes a value. */
  readonly flag: string
  readonly group: SettingGroup
  readonly description: string
  /** Completes the sentence "<name> must be ..." */
  readonly range: string
  readonly unit: string | undefined
  /** As an operator would write it. */
  readonly default: string | undefined
  /** What leaving it unset means, for a setting without a default. */
  readonly unsetMeaning: string | undefined
  /** Where PATCH /++/config has it, dotted; undefined for what only a new start changes. */
  readonly patch: string | undefined
  readonly secret: boolean
  /** Whether messages quote a refused value; never one that is a secret, or may hold one. */
  readonly isQuoted: boolean
  /** Makes of the text of a variable, a flag or a patch the value that is checked. */
  readonly read: (text: string) => unknown
  /** Writes a value in such text; undefined where a value stands for itself. */
  readonly write: ((value: never) => string) | undefined
}

/** A value that somebody set, and the name under which they did so. */
export interface GivenValue {
  readonly setting: Setting
  /** What is checked. */
  readonly value: unknown
  /** What was set: the text that the value was read from, or the value itself. */
  readonly typed: unknown
  readonly source: string
}

/** Takes a value that was set; text is read once, here. */
export function givenValue(setting: Setting, typed: unknown, source: string): GivenValue {
  return { setting, value: typeof typed === 'string' ? setting.read(typed) : typed, typed, source }
}

/** Puts a value to where a path leads in a tree, whose branches are made on the way. */
export function setAt(
  node: Record<string, unknown>,
  [key = '', ...rest]: readonly string[],
  value: unknown,
): void {
  if (rest.length === 0) node[key] = value
  else setAt((node[key] ??= {}) as Record<string, unknown>, rest, value)
}

const settings: readonly Setting[] = collectSettings(settingsSchema, [])

/** Every setting, in the order of the schema. */
export function settingsTable(): readonly Setting[] {
  return settings
}

/** The flag of a variable: without `SIMULATOR_`, in kebab case. `SIMULATOR_API_KEY` is `--api-key`. */
export function flagFromEnv(env: string): string {
  return `--${env
    .replace(/^SIMULATOR_/, '')
    .toLowerCase()
    .replaceAll('_', '-')}`
}

function collectSettings(schema: z.ZodObject, parentPath: readonly string[]): Setting[] {
  return Object.entries(schema.shape).flatMap(([key, child]): Setting[] => {
    const path = [...parentPath, key]
    if (child instanceof z.ZodObject) return collectSettings(child, path)
    const details = settingRegistry.get(child as z.ZodType)
    if (details === undefined) throw new Error(`The setting ${path.join('.')} has no details`)
    const {
      env,
      group,
      description,
      range,
      unit,
      unsetMeaning,
      patch,
      secret = false,
      mayHoldSecret = false,
      read,
      write,
    } = details
    const text = details.default === undefined ? undefined : String(details.default)
    return [
      {
        path,
        env,
        flag: flagFromEnv(env),
        group,
        description,
        range,
        unit,
        default: text,
        unsetMeaning,
        patch,
        secret,
        isQuoted: !secret && !mayHoldSecret,
        read,
        write,
      },
    ]
  })
}
