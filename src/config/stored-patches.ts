import { z } from 'zod'
import { isRecord } from '../lib/record.ts'
import { shortText } from '../lib/error-text.ts'
import { camelKeys } from './mapping-file.ts'
import { type Changes, type Patches, withCamelKeys } from './patches.ts'
import { describeProblems } from './zod-problems.ts'

/** Version of the format. A newer version of the simulator can write another one. */
const FORMAT_VERSION = 1

/** Levels of objects with a separate line for each entry: `resources`, a resource, `put`, and a deployment. */
const LINE_LEVELS = 4

const mapping = 'must be an object'
const text = z.string('must be text')
const mappingOf = <T extends z.ZodType>(value: T) => z.record(z.string(), value, mapping)

const key = z.looseObject({ id: text, hash: z.string().regex(/^[\da-f]{64}$/, 'must be a SHA-256') }, mapping)
const changes = {
  put: mappingOf(z.unknown()),
  patch: mappingOf(z.unknown()),
  keys: mappingOf(key.nullable()).optional(),
  signingKey: z.looseObject({ kid: text, jwk: mappingOf(text) }, mapping).optional(),
  friendlyNames: mappingOf(text).optional(),
} satisfies Record<keyof Changes, z.ZodType>

const patchesSchema = z.strictObject(
  {
    ...changes,
    resources: mappingOf(z.strictObject(changes, mapping)).optional(),
    made: mappingOf(
      z
        .looseObject(
          {
            entry: mappingOf(z.unknown()),
            keys: z.array(key, 'must be a list'),
            id: text,
            secret: text,
            tenant: text.optional(),
            createdAt: text,
          },
          mapping,
        )
        .nullable(),
    ).optional(),
    tenants: mappingOf(
      z.looseObject({ secret: z.looseObject({ salt: text, hash: text }, mapping), createdAt: text }, mapping),
    ).optional(),
    feedback: z
      .array(
        z.looseObject({ id: text, tenant: text, body: text, createdAt: text }, mapping),
        'must be a list',
      )
      .optional(),
  } satisfies Record<keyof Patches, z.ZodType>,
  mapping,
)

/** Writes changes as JSON. Parts that are the same objects as in an earlier call are not converted again. */
export class PatchWriter {
  readonly #texts = new WeakMap<object, string>()

  /** @param revision differs for each call; it is near the beginning of the text */
  write(patches: Patches, revision: string): string {
    const head = `{"version":${FORMAT_VERSION},"revision":${JSON.stringify(revision)},`
    return `${head}\n"changes":${this.#textOf(patches, LINE_LEVELS)}}\n`
  }

  #textOf(value: unknown, levels: number): string | undefined {
    if (typeof value !== 'object' || value === null) return JSON.stringify(value)
    let json = this.#texts.get(value)
    if (json === undefined) {
      json = isRecord(value) && levels > 0 ? this.#linesOf(value, levels) : JSON.stringify(value)
      this.#texts.set(value, json)
    }
    return json
  }

  #linesOf(record: Readonly<Record<string, unknown>>, levels: number): string {
    const lines: string[] = []
    for (const [name, value] of Object.entries(record)) {
      const json = this.#textOf(value, levels - 1)
      if (json !== undefined) lines.push(`${JSON.stringify(name)}:${json}`)
    }
    return lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n}`
  }
}

/** Reads changes that `PatchWriter` has written, or a person has edited. Returns the problems if they are invalid. */
export function readPatches(source: string): Patches | { readonly problems: readonly string[] } {
  let content: unknown
  try {
    content = JSON.parse(source.replace(/^\uFEFF/, ''))
  } catch (error) {
    // The message of JSON.parse quotes the content, which has keys.
    const place = /at position \d+(?: \(line \d+ column \d+\))?/.exec(String(error))?.[0]
    return { problems: [`not valid JSON${place === undefined ? '' : ` ${place}`}.`] }
  }
  if (!isRecord(content) || content['version'] !== FORMAT_VERSION) {
    const version = isRecord(content) ? content['version'] : undefined
    const got = version === undefined ? 'nothing' : shortText(JSON.stringify(version))
    return { problems: [`version must be ${FORMAT_VERSION} (got ${got}).`] }
  }
  const given = content['changes']
  const parsed = patchesSchema.safeParse(given)
  if (parsed.success) return withOneSpelling(given as Patches)
  return { problems: describeProblems(parsed.error, given, 'changes', {}) }
}

/** Converts the keys of deployments to camelCase, because a person may have written them as in the admin API. */
function withOneSpelling(patches: Patches): Patches {
  const own = withCamelEntries(patches)
  if (!own.resources) return own
  const resources = Object.entries(own.resources).map(([name, each]) => [name, withCamelEntries(each)])
  return { ...own, resources: Object.fromEntries(resources) }
}

function withCamelEntries<T extends Changes>(own: T): T {
  const put = Object.fromEntries(Object.entries(own.put).map(([name, entry]) => [name, camelKeys(entry)]))
  return { ...own, put, patch: withCamelKeys(own.patch) }
}
