import { isTree, textOf, type Tree } from './json-tree.ts'

/** What all fields of a form have. */
interface FieldFacts {
  readonly help: string
  /** Range in words, if the schema has one. */
  readonly range?: string
  readonly unit?: string
  /** Meaning of an absent value, such as `19` or `no limit`. */
  readonly absent?: string
}

export interface NumberField extends FieldFacts {
  readonly kind: 'number'
  readonly isInteger: boolean
  readonly min: number
  /** Infinity without a limit. */
  readonly max: number
}

export interface GroupField extends FieldFacts {
  readonly kind: 'group'
  readonly members: readonly { readonly key: string; readonly field: Field; readonly isRequired: boolean }[]
}

/** One of several forms of a value. */
export interface Variant {
  readonly title: string
  readonly field: Field
}

/** A field of a form, from a JSON Schema. */
export type Field =
  | NumberField
  | GroupField
  | (FieldFacts & { readonly kind: 'boolean' })
  | (FieldFacts & { readonly kind: 'choice'; readonly options: readonly (string | number | boolean)[] })
  | (FieldFacts & { readonly kind: 'text'; readonly isSecret: boolean })
  /** `places` has the fields of a list with a fixed length. */
  | (FieldFacts & { readonly kind: 'list'; readonly item: Field; readonly places?: readonly Field[] })
  | (FieldFacts & { readonly kind: 'map'; readonly value: Field })
  | (FieldFacts & { readonly kind: 'variants'; readonly variants: readonly Variant[] })
  /** Anything else is edited as JSON. */
  | (FieldFacts & { readonly kind: 'json' })

/** The schemas of an OpenAPI document, by name. */
export type Schemas = Readonly<Record<string, Tree>>

/** Returns the field of a schema. */
export function fieldOf(schema: unknown, schemas: Schemas, key = ''): Field {
  if (!isTree(schema)) return { kind: 'json', help: '' }
  const { $ref, ...own } = schema
  if (typeof $ref === 'string') {
    const target = schemas[$ref.replace('#/components/schemas/', '')]
    return fieldOf(
      { ...target, ...own, description: own['description'] ?? target?.['description'] },
      schemas,
      key,
    )
  }
  const facts = factsOf(schema, key)
  const forms = formsOf(schema)
  if (forms) {
    const { anyOf: _any, oneOf: _one, description: _text, ...common } = schema
    const [single, ...others] = forms.map((form) => (isTree(form) ? { ...common, ...form } : form))
    if (others.length === 0) return withFacts(fieldOf(single, schemas, key), facts)
    return {
      ...facts,
      kind: 'variants',
      variants: forms.flatMap((form) => variantsOf(fieldOf(form, schemas, key))),
    }
  }
  const {
    type,
    enum: options,
    const: constant,
    properties,
    items,
    prefixItems,
    additionalProperties,
  } = schema
  if (constant !== undefined) return { ...facts, kind: 'choice', options: [constant as string] }
  if (Array.isArray(options)) return { ...facts, kind: 'choice', options: options as string[] }
  if (isTree(properties)) {
    const required = Array.isArray(schema['required']) ? (schema['required'] as string[]) : []
    const members = Object.entries(properties).map(([name, member]) => ({
      key: name,
      field: fieldOf(member, schemas, name),
      isRequired: required.includes(name),
    }))
    return { ...facts, kind: 'group', members }
  }
  if (isTree(additionalProperties))
    return { ...facts, kind: 'map', value: fieldOf(additionalProperties, schemas) }
  if (type === 'boolean') return { ...facts, kind: 'boolean' }
  if (type === 'integer' || type === 'number') return numberField(schema, facts)
  if (type === 'string') return { ...facts, kind: 'text', isSecret: /[;(] ?secret\)/.test(help(schema)) }
  if (type === 'array') {
    const places = Array.isArray(prefixItems)
      ? prefixItems.map((place) => fieldOf(place, schemas))
      : undefined
    return { ...facts, kind: 'list', item: fieldOf(items, schemas, key), ...(places && { places }) }
  }
  return { ...facts, kind: 'json' }
}

/** Returns the forms that a value can have, without null, which is an absent value; undefined for a schema with one form. */
function formsOf({ anyOf, oneOf, type }: Tree): readonly unknown[] | undefined {
  const alternatives = anyOf ?? oneOf
  if (Array.isArray(alternatives))
    return alternatives.filter((form) => !isTree(form) || form['type'] !== 'null')
  if (!Array.isArray(type)) return undefined
  const types = type.filter((name) => name !== 'null') as string[]
  // A list setting is one text.
  const one = types.includes('string') && types.length > 1 && !types.includes('object') ? ['string'] : types
  return one.map((name) => ({ type: name }))
}

function variantsOf(field: Field): readonly Variant[] {
  if (field.kind === 'variants') return field.variants
  return [{ title: titleOf(field), field }]
}

/** Returns the words with which a form of a value is chosen. */
function titleOf(field: Field): string {
  if (field.kind === 'group') {
    const fixed = discriminatorOf(field)
    return fixed ? String(fixed.value) : 'with details'
  }
  if (field.kind === 'number') return 'a number'
  if (field.kind === 'boolean') return 'on or off'
  if (field.kind === 'choice' && field.options.length === 1) return String(field.options[0])
  return { choice: 'a word', text: 'a text', list: 'a list', map: 'a mapping', json: 'JSON', variants: '' }[
    field.kind
  ]
}

/** Returns the member of a group that tells it from others: `kind: error`. */
function discriminatorOf({
  members,
}: GroupField): { readonly key: string; readonly value: unknown } | undefined {
  for (const { key, field } of members)
    if (field.kind === 'choice' && field.options.length === 1) return { key, value: field.options[0] }
  return undefined
}

/** Returns whether a value has the form of a field, to choose among variants. */
export function hasForm(value: unknown, field: Field): boolean {
  switch (field.kind) {
    case 'number':
      return typeof value === 'number'
    case 'boolean':
      return typeof value === 'boolean'
    case 'choice':
      return field.options.includes(value as string)
    case 'text':
      return typeof value === 'string'
    case 'list':
      return Array.isArray(value)
    case 'group': {
      const fixed = discriminatorOf(field)
      return isTree(value) && (!fixed || value[fixed.key] === fixed.value)
    }
    case 'map':
      return isTree(value)
    case 'variants':
      return field.variants.some((variant) => hasForm(value, variant.field))
    default:
      return true
  }
}

/** Returns a first value for a field, from which a person can go on. */
export function initialValue(field: Field): unknown {
  switch (field.kind) {
    case 'number': {
      const given = Number(field.absent)
      if (field.absent !== undefined && Number.isFinite(given)) return given
      return field.min > 0 ? field.min : field.max === 1 ? 0.1 : Math.max(0, field.min)
    }
    case 'boolean':
      return true
    case 'choice':
      return field.options[0]
    case 'text':
      return ''
    case 'list':
      return field.places ? field.places.map(initialValue) : []
    case 'group':
      return Object.fromEntries(
        field.members.flatMap(({ key, field: member, isRequired }) =>
          isRequired ? [[key, initialValue(member)]] : [],
        ),
      )
    case 'map':
      return {}
    case 'variants':
      return field.variants[0] && initialValue(field.variants[0].field)
    default:
      return ''
  }
}

function withFacts(field: Field, { help: text, ...facts }: FieldFacts): Field {
  return { ...field, ...facts, help: text === '' ? field.help : text }
}

function help({ description }: Tree): string {
  return typeof description === 'string' ? description : ''
}

/**
 * Reads help, range, unit and default from a description: `Text. (range; unit; default 1; the variable X)` or
 * `Text; absent: no limit.`
 */
function factsOf(schema: Tree, key: string): FieldFacts {
  const description = help(schema)
  const [, text = description, list = ''] =
    /^(.*[.:]) \(([^]*; (?:default |null: |absent: )[^]*)\)$/s.exec(description) ?? []
  const [, before = text, absentText] = /^(.*); absent: (.*)\.$/s.exec(text) ?? []
  const parts = list.split('; ')
  const at = parts.findIndex((part) => /^(?:default |null: |absent: )/.test(part))
  const [, fromList] = /^(?:default |null: |absent: )([^]*)$/.exec(parts[at] ?? '') ?? []
  const variable = parts.find((part) => part.startsWith('the variable '))?.replace('the variable ', '')
  const inDescription = /\b(?:Default|Absent): (.*?)\.(?:\s|$)/.exec(before)
  const fallback = schema['default']
  const absent = fromList ?? absentText ?? (fallback === undefined ? inDescription?.[1] : textOf(fallback))
  const range = at > 0 ? parts[0] : undefined
  const unit = (at > 1 ? parts[1] : undefined) ?? unitOf(key)
  const suffix = variable === undefined ? '' : ` Variable: ${variable}.`
  // The meaning of an absent value is shown separately.
  const plain =
    inDescription === null || absent === undefined ? before : before.replace(inDescription[0], '').trim()
  const shown = `${plain.replaceAll('`', '')}${suffix}`
  return {
    help: shown === '' || /[.:]$/.test(shown) ? shown : `${shown}.`,
    ...(range !== undefined && { range }),
    ...(unit !== undefined && { unit }),
    ...(absent !== undefined && { absent: absent.replaceAll('`', '') }),
  }
}

/** Returns the unit that the name of a value ends with. */
function unitOf(key: string): string | undefined {
  if (/(?:^|_)ms(?:_|$)/.test(key)) return 'ms'
  if (/(?:^|_)seconds$/.test(key)) return 's'
  if (/(?:^|_)minutes$/.test(key)) return 'min'
  return key.endsWith('_mb') ? 'MB' : undefined
}

function numberField(schema: Tree, facts: FieldFacts): NumberField {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, type } = schema as Readonly<
    Record<string, number>
  >
  const max = maximum ?? exclusiveMaximum ?? Infinity
  return {
    ...facts,
    kind: 'number',
    isInteger: (type as unknown) === 'integer',
    min: minimum ?? exclusiveMinimum ?? 0,
    max: max === Number.MAX_SAFE_INTEGER ? Infinity : max,
  }
}

/** The slider of a number: its ends, step and scale. The number field beside it accepts all values. */
export interface Range {
  readonly min: number
  readonly max: number
  readonly step: number
  readonly scale: 'linear' | 'log'
}

/** Ends of sliders of numbers without a maximum, by the end of their name. */
const usualMaxima: readonly (readonly [pattern: RegExp, max: number])[] = [
  [/tokens_per_minute$/, 10_000_000],
  [/requests_per_minute$/, 100_000],
  [/throughput_units$/, 1_000],
  [/(?:mean|std_dev)$/, 10_000],
  [/time_scale$/, 10],
]

/** Returns the slider for a number. Large ranges are logarithmic. */
export function rangeOf({ min, max, isInteger }: NumberField, key: string): Range {
  const usual = usualMaxima.find(([pattern]) => pattern.test(key))?.[1] ?? 1_000_000
  const end = max === Infinity ? Math.max(usual, min) : max
  const span = end - min
  if (isInteger) return { min, max: end, step: 1, scale: span > 200 ? 'log' : 'linear' }
  if (span <= 1) return { min, max: end, step: 0.01, scale: 'linear' }
  return {
    min,
    max: end,
    step: span <= 10 ? 0.1 : span <= 1_000 ? 0.01 : 1,
    scale: span > 10 ? 'log' : 'linear',
  }
}

/** Returns a name as a label: `tokens_per_minute` is `Tokens per minute`. */
export function labelOf(key: string): string {
  const words = key
    .replaceAll('_', ' ')
    .replace(/\bopen ?ai\b/, 'OpenAI')
    .replace(/\bapi\b/, 'API')
    .replace(/\b(?:ms|mb)\b/, (unit) => (unit === 'ms' ? '(ms)' : '(MB)'))
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

/** Returns whether a value is the one that applies when it is absent. */
export function isDefault(value: unknown, { absent }: Field): boolean {
  if (typeof value === 'boolean') return absent === String(value) || absent === (value ? 'on' : 'off')
  return String(value) === absent
}
