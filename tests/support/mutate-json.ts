import type { Random } from '../../src/lib/random.ts'

/** Placeholders for values that are too deep for `JSON.stringify`: see `jsonText`. */
const deep: Readonly<Record<string, string>> = {
  '<many arrays>': `${'['.repeat(950)}${']'.repeat(950)}`,
  '<many objects>': `${'{"type":"object","required":["a"],"properties":{"a":'.repeat(450)}{}${'}}'.repeat(450)}`,
  '<deep array>': `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  '<deep object>': `${'{"properties":'.repeat(20_000)}{}${'}'.repeat(20_000)}`,
}

/** A value of each JSON type, and some that a reader of JSON may stumble over. */
const replacements: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  '',
  'x',
  'json_object',
  'tool',
  'message',
  '\ud800"\\',
  'a\r\nb\u0000',
  // Arguments are JSON in a text.
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  [],
  [[]],
  [null],
  [1],
  ['x'],
  [{}],
  {},
  { type: 'x' },
  { type: 'custom' },
  { name: 7 },
  { name: 'f', arguments: {} },
  { role: 'user', content: 'x' },
  ...Object.keys(deep),
  ...['{"__proto__":{"role":"user"}}', '{"constructor":1,"toString":2}'].map(
    (text) => JSON.parse(text) as unknown,
  ),
]
const names = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '',
  'role',
  'type',
  'stor',
  '[0]',
  '.',
  'messages',
  'content',
  'tool_calls',
  'function_call',
  'tool_call_id',
  'name',
  'audio',
  'refusal',
  'reasoning_content',
  'image_url',
  'id',
]

/** A copy with one random change: another value or type, or a removed, added or duplicated member. */
export function mutateJson(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.below(4) === 0) {
    return replacements[random.below(replacements.length)]
  }
  if (Array.isArray(value)) {
    const copy: unknown[] = [...(value as unknown[])]
    const at = random.below(copy.length + 1)
    if (random.below(8) === 0) copy.splice(at, random.below(2), copy[random.below(copy.length)])
    else copy[at] = mutateJson(copy[at], random)
    return copy
  }
  const entries = Object.entries(value)
  const at = random.below(entries.length + 1)
  const [name, old] = entries[at] ?? [names[random.below(names.length)] ?? '', undefined]
  if (random.below(5) === 0) entries.splice(at, 1)
  else entries[at] = [name, mutateJson(old, random)]
  return Object.fromEntries(entries)
}

/** A copy with some of the members of a request, and always its `messages` or `input`. */
export function someOf(body: Readonly<Record<string, unknown>>, random: Random): Record<string, unknown> {
  const isKept = (name: string): boolean =>
    name === 'messages' || name === 'input' || name === 'model' || random.below(2) === 0
  return Object.fromEntries(Object.entries(body).filter(([name]) => isKept(name)))
}

/** The text of a mutated value. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value) ?? ''
  return Object.entries(deep).reduce((whole, [name, inner]) => whole.replaceAll(`"${name}"`, inner), text)
}
