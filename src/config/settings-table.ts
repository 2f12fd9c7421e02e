import * as z from 'zod'
import { type SettingGroup, settingRegistry } from './setting.ts'
import { settingsSchema } from './settings-schema.ts'

/** A setting, for the documentation and the help of the command line. */
export interface Setting {
  /** Path in the validated settings. A few settings have another form in `Config`. */
  readonly path: readonly string[]
  readonly env: string
  /** The flag, with its dashes: `--log-level`. It takes a value. */
  readonly flag: string
  readonly group: SettingGroup
  readonly description: string
  /** Completes the sentence "<name> must be ..." */
  readonly range: string
  readonly unit: string | undefined
  /** In the form that an operator writes. */
  readonly default: string | undefined
  /** Meaning of an unset setting without a default. */
  readonly unsetMeaning: string | undefined
  /** Path in PATCH /++/config; undefined for settings that require a restart. */
  readonly patch: string | undefined
  readonly secret: boolean
  /** Validates the value that `read` returns. */
  readonly schema: z.ZodType
  /** Whether messages quote an invalid value; false if it can contain a secret. */
  readonly isQuoted: boolean
  /** Converts the text of a variable, a flag or a patch to the value to validate. */
  readonly read: (text: string) => unknown
  /** Converts a value to such text; undefined for values that need no conversion. */
  readonly write: ((value: never) => string) | undefined
  /** Describes the invalid parts of a value, each in sentences that follow the name. */
  readonly explain: ((value: unknown) => readonly string[]) | undefined
}

/** A configured value of a setting. */
export interface GivenValue {
  readonly setting: Setting
  /** The value to validate. */
  readonly value: unknown
  /** The value in its original form: text, or the value itself. */
  readonly typed: unknown
  /** Name in messages: the flag, variable, option, or path in a file. */
  readonly source: string
  /** The variable that the configuration file names for the value. Messages do not quote such a value. */
  readonly variable?: string
}

/** Creates a configured value. Converts text. */
export function givenValue(setting: Setting, typed: unknown, source: string): GivenValue {
  return { setting, value: typeof typed === 'string' ? setting.read(typed) : typed, typed, source }
}

/** Sets the value at a path in a tree. Creates missing parents. */
export function setAt(
  node: Record<string, unknown>,
  [key = '', ...rest]: readonly string[],
  value: unknown,
): void {
  if (rest.length === 0) node[key] = value
  else setAt((node[key] ??= {}) as Record<string, unknown>, rest, value)
}

const settings: readonly Setting[] = collectSettings(settingsSchema, [])

/** Returns all settings in the order of the schema. */
export function settingsTable(): readonly Setting[] {
  return settings
}

/** Returns the name of a setting in a configuration file: its path in a patch, or its variable in lower case without `simulator_`. */
export function settingName({ patch, env }: Pick<Setting, 'patch' | 'env'>): string {
  return patch ?? env.toLowerCase().replace(/^simulator_/, '')
}

/** Returns the flag for a variable: without `SIMULATOR_`, in kebab case. `SIMULATOR_API_KEY` is `--api-key`. */
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
    const schema = child as z.ZodType
    const details = settingRegistry.get(schema)
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
      explain,
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
        schema,
        isQuoted: !secret && !mayHoldSecret,
        read,
        write,
        explain,
      },
    ]
  })
}
