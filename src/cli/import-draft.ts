import { redacted } from '../lib/credential-texts.ts'
import { shortText } from '../lib/error-text.ts'

/** A value of the configuration file: a scalar, or the variable that holds it. */
export type DraftValue = string | number | boolean | { readonly env: string }

/** A mapping of the file, with comments between its keys. */
class DraftMap {
  readonly lines: ({ readonly comment: string } | { readonly key: string; value: DraftValue | DraftMap })[] =
    []

  /** Adds a key. Without a value, the key is not written. */
  set(key: string, value: DraftValue | undefined): this {
    if (value !== undefined) this.lines.push({ key, value })
    return this
  }

  /** Adds a mapping, and returns it. */
  map(key: string): DraftMap {
    const value = new DraftMap()
    this.lines.push({ key, value })
    return value
  }

  comment(comment: string): this {
    this.lines.push({ comment })
    return this
  }
}

export type { DraftMap }

/** A configuration file under construction, with what its user has to know. */
export class ConfigDraft {
  readonly settings = new DraftMap()
  readonly upstreams = new DraftMap()
  readonly deployments = new DraftMap()
  readonly #variables = new Map<string, string>()
  readonly #lost = new Set<string>()
  readonly #secrets: readonly string[]
  readonly #names = new Set<string>()

  /** @param secrets texts that the draft never prints */
  constructor(secrets: Iterable<string>) {
    // The longest first, because one can be a part of another.
    this.#secrets = [...new Set(secrets)].toSorted((a, b) => b.length - a.length)
  }

  /** Returns a reference to a variable with a secret. `meaning` completes "Set NAME to ...". */
  secret(name: string, meaning: string): DraftValue {
    this.#variables.set(name, meaning)
    return { env: name }
  }

  /** Reports what the file cannot have: a comment at its place, and a line for the user. */
  lose(place: DraftMap, what: string, why: string): void {
    const line = `${what} is not carried over: ${why}`
    place.comment(line)
    this.#lost.add(line)
  }

  /** Returns a name of an upstream that no other one has. `wanted` can contain any character. */
  upstreamName(wanted: string): string {
    const plain =
      wanted
        .replaceAll(/[^\w.-]+/g, '-')
        .replaceAll(/^-+|-+$/g, '')
        .slice(0, 48) || 'upstream'
    // "default" has its own meaning. Names that differ in case only would have equal variables.
    const first = plain === 'default' ? 'default-1' : plain
    let name = first
    for (let count = 2; this.#names.has(variablePart(name)); count++) name = `${first}-${count}`
    this.#names.add(variablePart(name))
    return name
  }

  /** The lines for standard error: what is not carried over, and which variables to set. */
  remarks(): string {
    const lost = [...this.#lost].map((line) => `  ${line}`)
    const variables = [...this.#variables].map(([name, meaning]) => `  ${name}: ${meaning}`)
    const lines = [
      ...(lost.length > 0 ? ['Check what is not carried over:', ...lost] : []),
      ...(variables.length > 0
        ? ['Set these variables in the environment or in .env before the start:', ...variables]
        : []),
    ]
    return lines.map((line) => `${this.oneLine(line)}\n`).join('')
  }

  /** @param command the command that makes the file, for its first comment */
  render(command: string): string {
    const variables = [...this.#variables].map(([name, meaning]) => this.#comment(`${name}: ${meaning}`))
    const sections = (['settings', 'upstreams', 'deployments'] as const).map((name) =>
      this[name].lines.length === 0 ? '' : `\n${name}:\n${this.#lines(this[name], '  ')}`,
    )
    return [
      this.#comment(`Configuration of aoai-simulated-api (docs/from-proxies.md), made by: ${command}`),
      '# Start with: aoai-sim --config aoai-sim.yaml\n',
      ...(variables.length > 0 ? ['# It needs these variables:\n', ...variables] : []),
      ...sections,
    ].join('')
  }

  #lines(map: DraftMap, indent: string): string {
    return map.lines
      .map((line) => {
        if ('comment' in line) return `${indent}${this.#comment(line.comment)}`
        const key = `${indent}${this.#scalar(line.key)}:`
        const { value } = line
        if (value instanceof DraftMap) return `${key}\n${this.#lines(value, `${indent}  `)}`
        const shown = typeof value === 'object' ? `{ env: ${this.#scalar(value.env)} }` : this.#scalar(value)
        return `${key} ${shown}\n`
      })
      .join('')
  }

  #comment(text: string): string {
    return `# ${this.oneLine(text)}\n`
  }

  /** Returns a text without line breaks, control characters and secrets. */
  oneLine(text: string): string {
    const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029\ufffe\uffff]+/gu, ' ')
    return shortText(this.#withoutSecrets(line, MIN_SECRET_IN_COMMENT), MAX_LINE_CHARACTERS)
  }

  /** Returns a scalar of YAML, in quotes unless every reader takes it as the same text. */
  #scalar(value: string | number | boolean): string {
    if (typeof value !== 'string') return String(value)
    const text = this.#withoutSecrets(value, MIN_SECRET_IN_VALUE)
    if (/^[A-Za-z](?:[\w./-]|:(?=[\w/]))*$/.test(text) && !otherTypes.test(text)) return text
    return JSON.stringify(text).replaceAll(
      /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
      (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
  }

  #withoutSecrets(text: string, minLength: number): string {
    let clean = text
    for (const secret of this.#secrets)
      if (secret.length >= minLength) clean = clean.replaceAll(secret, redacted)
    return clean
  }
}

/** Shorter secrets are most likely parts of words. */
const MIN_SECRET_IN_COMMENT = 4
/** Values are addresses and names. A weak password such as "openai" can be a part of them. */
const MIN_SECRET_IN_VALUE = 16

const MAX_LINE_CHARACTERS = 1_000

/** Words that YAML 1.1 or 1.2 reads as another type. */
const otherTypes = /^(?:true|false|yes|no|on|off|y|n|null)$/i

/** The settings of another proxy as a configuration file. */
export interface Imported {
  readonly draft: ConfigDraft
  /** What is wrong in the settings, one or two sentences each. With a problem, there is no file. */
  readonly problems: readonly string[]
}

/** Returns a name as a part of the name of a variable. */
export function variablePart(name: string): string {
  return name.replaceAll(/\W+/g, '_').toUpperCase()
}

/** Returns whether a text is an http or https address without a query, a password or a variable. */
export function isAddress(text: string): boolean {
  const form = /^https?:\/\/(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?(?:\/[^\s?#@$]*)?$/i
  return form.test(text) && URL.canParse(text)
}

/** Returns an address without slashes at its end and without the default port. */
export function plainAddress(address: string): string {
  return new URL(address).href.replace(/\/+$/, '')
}

/** Returns whether the configuration file can have a deployment of this name. */
export function isDeploymentName(name: string): boolean {
  return (
    name.length <= 256 && /^[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa1-\xff])?$/.test(name)
  )
}

/** Returns whether a text is a version of the data plane: `v1`, or a date such as `2025-04-01-preview`. */
export function isApiVersion(text: string): boolean {
  const [, date] = /^(\d{4}-\d{2}-\d{2})(?:-preview)?$/.exec(text) ?? []
  if (date === undefined) return text === 'v1'
  const time = Date.parse(date)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date)
}
