/** Fields that do not count: by name, down to a leaf, which is `true`. */
export type IgnoredFields = ReadonlyMap<string, true | IgnoredFields>

/** Deeper than any request; a body beyond it is compared byte by byte. */
const maxDepth = 1_000

/** Sorts paths such as `stream_options.include_usage` into a tree. */
export function ignoredFields(paths: readonly string[]): IgnoredFields {
  const root = new Map<string, true | IgnoredFields>()
  for (const path of paths) {
    const names = path.split('.')
    let node = root
    for (const [index, name] of names.entries()) {
      if (index === names.length - 1) {
        node.set(name, true)
        break
      }
      const child = node.get(name)
      if (child === true) break
      const next = (child ?? new Map()) as Map<string, true | IgnoredFields>
      node.set(name, next)
      node = next
    }
  }
  return root
}

/**
 * Writes JSON in one form whatever the order of its keys, its white space and its way to write numbers, without the
 * fields that do not count; lists are passed through. Undefined for what is nested beyond reason.
 */
export function canonicalJson(value: unknown, ignored: IgnoredFields): string | undefined {
  try {
    return write(value, ignored, 0)
  } catch (error) {
    if (error === tooDeep) return undefined
    throw error
  }
}

const tooDeep = Symbol('nested too deep')
const nothingIgnored: IgnoredFields = new Map()

function write(value: unknown, ignored: IgnoredFields, depth: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (depth === maxDepth) throw tooDeep
  if (Array.isArray(value)) {
    return `[${value.map((item) => write(item, ignored, depth + 1)).join(',')}]`
  }
  let text = ''
  for (const name of Object.keys(value).sort()) {
    const under = ignored.get(name)
    if (under === true) continue
    const item = (value as Record<string, unknown>)[name]
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${write(item, under ?? nothingIgnored, depth + 1)}`
  }
  return `{${text}}`
}
