import * as z from 'zod'
import { thumbprintOf } from './access-settings.ts'
import { isRecord } from '../lib/record.ts'
import { shortText } from '../lib/error-text.ts'
import { entryKeys } from './resolve-deployment.ts'
import { type Changes, feedbackStatuses, type Patches, normalizePatch } from './patches.ts'
import { describeProblems, showValue } from './zod-problems.ts'

/** Version of the format. A newer version of the simulator can write another one. */
const FORMAT_VERSION = 1

const contentMembers: ReadonlySet<string> = new Set(['version', 'revision', 'changes'])

/** Levels of objects with a separate line for each entry: `resources`, a resource, `put`, and a deployment. */
const LINE_LEVELS = 4

const mapping = 'must be an object'
const text = z.string('must be text')
const mappingOf = <T extends z.ZodType>(value: T) => z.record(z.string(), value, mapping)

const key = z.looseObject({ id: text, hash: z.string().regex(/^[\da-f]{64}$/, 'must be a SHA-256') }, mapping)
/** Salt or hash of the secret of a tenant. */
const hashed = z.base64('must be in base64')
const status = z.enum(feedbackStatuses, `must be one of ${feedbackStatuses.join(', ')}`)

/** Members of a private RSA key, which are numbers in base64url. */
const rsaMembers = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi']
const base64url = /^[\w-]+$/

/** A key that cannot sign would fail with the first token. The id is a hash of the public part, so it shows a damaged one. */
const signingKey = z.looseObject({ kid: text, jwk: mappingOf(text) }, mapping).refine(
  ({ kid, jwk }) => rsaMembers.every((name) => base64url.test(jwk[name] ?? '')) && thumbprintOf(jwk) === kid,
  // The problem shows the id, never the key.
  { path: ['kid'], error: 'must be the thumbprint (RFC 7638) of the private RSA key in jwk' },
)

const changes = {
  put: mappingOf(z.unknown()),
  patch: mappingOf(z.unknown()),
  keys: mappingOf(key.nullable()).optional(),
  signingKey: signingKey.optional(),
  friendlyNames: mappingOf(text).optional(),
} satisfies Record<keyof Changes, z.ZodType>

const made = mappingOf(
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
).superRefine((all, context) => {
  const nameOf = new Map<string, string>()
  for (const [name, one] of Object.entries(all)) {
    if (!one) continue
    const other = nameOf.get(one.id)
    nameOf.set(one.id, name)
    const message = `must differ from that of ${other}, with which the resource would share limits and stored responses`
    if (other !== undefined) context.addIssue({ code: 'custom', path: [name, 'id'], message })
  }
})

const patchesSchema = z.strictObject(
  {
    ...changes,
    resources: mappingOf(z.strictObject(changes, mapping)).optional(),
    made: made.optional(),
    upstreams: mappingOf(mappingOf(z.unknown()).nullable()).optional(),
    tenants: mappingOf(
      z.looseObject(
        { secret: z.looseObject({ salt: hashed, hash: hashed }, mapping), createdAt: text },
        mapping,
      ),
    ).optional(),
    feedback: z
      .array(
        z.looseObject({ id: text, tenant: text, body: text, status, createdAt: text }, mapping),
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
  const { changes: given } = content
  const unknown = Object.keys(content).find((name) => !contentMembers.has(name))
  if (unknown !== undefined)
    return { problems: [`${showValue(unknown)} is unknown. Move it into changes, or remove it.`] }
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
  const put = Object.fromEntries(Object.entries(own.put).map(([name, entry]) => [name, entryKeys(entry)]))
  return { ...own, put, patch: normalizePatch(own.patch) }
}
