/** A changed value of a JSON document. */
export interface Change {
  /** Members and indexes from the root. */
  readonly path: readonly (string | number)[]
  /** Undefined: the value was added. */
  readonly before: unknown
  /** Undefined: the value was removed. */
  readonly after: unknown
}

/** Returns the changed values, in the order of the documents. Lists are compared by index. */
export function diffJson(before: unknown, after: unknown, path: Change['path'] = []): readonly Change[] {
  if (Object.is(before, after)) return []
  if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return names.flatMap((name) =>
      diffJson(memberOf(before, name), memberOf(after, name), [
        ...path,
        Array.isArray(before) ? Number(name) : name,
      ]),
    )
  }
  return [{ path, before, after }]
}

type Container = Readonly<Record<string, unknown>>

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null
}

function memberOf(container: Container, name: string): unknown {
  return Object.hasOwn(container, name) ? container[name] : undefined
}

/** A path as in JavaScript: `deployments["gpt 4"].limits[0]`. */
export function formatPath(path: Change['path']): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`
      if (!/^[\w-]+$/.test(part)) return `[${JSON.stringify(part)}]`
      return index === 0 ? part : `.${part}`
    })
    .join('')
}
