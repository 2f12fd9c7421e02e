import { isRecord } from '../../src/lib/record.ts'

/** Members with content that depends on the request or the content filter. Only their type is compared. */
const opaque = new Set(['parameters', 'content_filter_results', 'schema', 'metadata', 'format', 'variables'])

/** The members of an answer, whole or streamed, as `path:type`. An element of a list has its `type` in brackets. */
export function shapeOf(text: string): string[] {
  const found = new Set<string>()
  if (!/^\s*(event|data):/.test(text)) {
    addShape(JSON.parse(text), '', found)
    return [...found]
  }
  for (const line of text.split('\n')) {
    const data = line.startsWith('data:') ? line.slice('data:'.length).trim() : ''
    if (data === '' || data === '[DONE]') continue
    const event: unknown = JSON.parse(data)
    addShape(event, isRecord(event) && typeof event['type'] === 'string' ? event['type'] : 'chunk', found)
  }
  return [...found]
}

function addShape(value: unknown, path: string, found: Set<string>): void {
  found.add(`${path}:${typeOf(value)}`)
  if (Array.isArray(value)) {
    for (const item of value) {
      const type = isRecord(item) && typeof item['type'] === 'string' ? item['type'] : ''
      addShape(item, `${path}[${type}]`, found)
    }
  } else if (isRecord(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (opaque.has(name)) found.add(`${path}.${name}:${typeOf(member)}`)
      else addShape(member, `${path}.${name}`, found)
    }
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
