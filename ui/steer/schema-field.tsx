import { useContext, useId, useState } from 'preact/hooks'
import { Button } from '../components/button.tsx'
import { Field as TextField } from '../components/field.tsx'
import { isTree, textOf, type Path } from './json-tree.ts'
import { fieldId } from './problem-paths.ts'
import {
  Choice,
  Form,
  helpOf,
  JsonValue,
  NumberValue,
  ProblemText,
  type SchemaFieldProps,
  type ValueProps,
} from './scalar-fields.tsx'
import { type Field, hasForm, initialValue, isDefault, labelOf, type Variant } from './schema-form.ts'
import { describeRule, effectsOf } from './timetable.ts'

/** A field of a form that was made from a schema, with all fields in it. */
export function SchemaField(props: SchemaFieldProps) {
  const { field, label, path, value, isRequired = false } = props
  const form = useContext(Form)
  const isAbsent = value === undefined
  const isFixed = field.kind === 'choice' && field.options.length === 1 && isRequired
  if (isFixed) return null
  const inherited = isAbsent ? form.inherited?.(path) : undefined
  const meaning = inherited === undefined ? field.absent : `${textOf(inherited)} (of the default resource)`
  // A select shows the default as an option.
  const isChoice = inherited === undefined && ['choice', 'boolean', 'variants'].includes(field.kind)
  const isContainer = field.kind === 'group' || field.kind === 'map'
  return (
    <div
      id={fieldId(form.id, path)}
      class={form.isEdited(path) ? 'steer-field steer-field-edited' : 'steer-field'}
      tabIndex={-1}
    >
      <Value {...props} inherited={inherited} />
      <div class="steer-field-foot">
        {isAbsent && meaning !== undefined && !isChoice && <span class="muted">Default: {meaning}</span>}
        {!isAbsent && !isRequired && !isContainer && !isDefault(value, field) && (
          <button
            type="button"
            class="steer-reset"
            aria-label={`Reset ${label} to default`}
            onClick={() => form.onEdit(path, undefined)}
          >
            Reset to default
          </button>
        )}
        {form.isEdited(path) && <span class="steer-edited">changed</span>}
      </div>
    </div>
  )
}

function Value(props: ValueProps) {
  const { field, label, path, value, isRequired = false } = props
  const form = useContext(Form)
  const set = (next: unknown): void => form.onEdit(path, next)
  const problem = form.problemAt(path)
  switch (field.kind) {
    case 'number':
      return <NumberValue {...props} field={field} />
    case 'boolean':
      return (
        <Choice
          label={label}
          help={field.help}
          value={typeof value === 'boolean' ? String(value) : ''}
          options={['true', 'false']}
          absent={isRequired ? undefined : (field.absent ?? '')}
          problem={problem}
          onChange={(next) => set(next === '' ? undefined : next === 'true')}
        />
      )
    case 'choice': {
      const options = field.options.map(String)
      const text = value === undefined ? '' : textOf(value)
      return (
        <Choice
          label={label}
          help={field.help}
          value={text}
          options={text === '' || options.includes(text) ? options : [...options, text]}
          absent={isRequired ? undefined : (field.absent ?? '')}
          problem={problem}
          onChange={(next) =>
            set(next === '' ? undefined : field.options.find((one) => String(one) === next))
          }
        />
      )
    }
    case 'text': {
      // A list that was given as a list, not as text.
      if (typeof value === 'object') return <JsonValue {...props} />
      const choices = form.choicesFor?.(path)
      return (
        <>
          <TextField
            label={label}
            value={value === undefined ? '' : textOf(value)}
            type={field.isSecret ? 'password' : 'text'}
            help={helpOf(field)}
            problem={problem}
            {...(choices && { placeholder: choices[0] ?? '' })}
            onInput={(next) => set(next === '' && !isRequired ? undefined : next)}
          />
          {choices && choices.length > 0 && choices.length <= 12 && (
            <div class="steer-chips">
              {choices.map((choice) => (
                <button key={choice} type="button" class="steer-chip" onClick={() => set(choice)}>
                  {choice}
                </button>
              ))}
            </div>
          )}
        </>
      )
    }
    case 'list':
      return <ListValue {...props} field={field} />
    case 'group':
      return <GroupValue {...props} field={field} />
    case 'variants':
      return <VariantValue {...props} variants={field.variants} />
    default:
      return <JsonValue {...props} />
  }
}

function GroupValue({
  field,
  label,
  path,
  value,
  isRequired,
  isOpen = false,
}: ValueProps & { readonly field: Field & { kind: 'group' } }) {
  const form = useContext(Form)
  const members = isTree(value) ? value : {}
  const known = new Set(field.members.map(({ key }) => key))
  const others = Object.keys(members).filter((key) => !known.has(key))
  // Members are optional: an empty group is an absent one, unless it has required members.
  const isOptional = !isRequired && value === undefined && field.members.some((member) => member.isRequired)
  const count = Object.keys(members).length
  // An item of a list has its summary as a title.
  const isItem = typeof path.at(-1) === 'number'
  return (
    <details class="steer-group" open={form.hasProblemIn(path) || (isItem ? isOpen : count > 0)}>
      <summary>
        <span class="steer-label">{label}</span>
        {count === 0 ? <span class="muted"> not set</span> : null}
      </summary>
      <p class="field-help">{field.help}</p>
      <ProblemText text={form.problemAt(path)} />
      {isOptional ? (
        <Button onClick={() => form.onEdit(path, initialValue(field))}>Set {label}</Button>
      ) : (
        <Members field={field} path={path} value={value} />
      )}
      {others.map((key) => (
        <SchemaField
          key={key}
          field={{ kind: 'json', help: 'The schema does not know this key.' }}
          label={labelOf(key)}
          path={[...path, key]}
          value={members[key]}
        />
      ))}
      {value !== undefined && !isRequired && (
        <button type="button" class="steer-reset" onClick={() => form.onEdit(path, undefined)}>
          Remove {label}
        </button>
      )}
    </details>
  )
}

/** The fields of a group, without its title. */
export function Members(props: {
  readonly field: Field
  readonly path: Path
  readonly value: unknown
  readonly only?: (key: string) => boolean
}) {
  const { field, path, value, only = () => true } = props
  if (field.kind !== 'group') return null
  const members = isTree(value) ? value : {}
  return (
    <div class="steer-members">
      {field.members
        .filter(({ key }) => only(key))
        .map(({ key, field: member, isRequired }) => (
          <SchemaField
            key={key}
            field={member}
            label={labelOf(key)}
            path={[...path, key]}
            value={members[key]}
            isRequired={isRequired}
          />
        ))}
    </div>
  )
}

function ListValue({ field, label, path, value }: ValueProps & { readonly field: Field & { kind: 'list' } }) {
  const form = useContext(Form)
  const items: readonly unknown[] = Array.isArray(value) ? value : []
  const { item, places } = field
  // The item that was added last is open.
  const [added, setAdded] = useState<number>()
  const set = (next: readonly unknown[]): void => form.onEdit(path, next)
  if (item.kind === 'choice') {
    return (
      <fieldset class="steer-list">
        <legend class="steer-label">{label}</legend>
        <p class="field-help">{field.help}</p>
        {item.options.map((option) => (
          <label key={String(option)} class="check">
            <input
              type="checkbox"
              checked={items.includes(option)}
              onChange={({ currentTarget }) =>
                set(currentTarget.checked ? [...items, option] : items.filter((one) => one !== option))
              }
            />
            {String(option)}
          </label>
        ))}
        <ProblemText text={form.problemAt(path)} />
      </fieldset>
    )
  }
  if (places && value === undefined)
    return <Button onClick={() => set(places.map(initialValue))}>Set {label}</Button>
  return (
    <fieldset class="steer-list">
      <legend class="steer-label">
        {label} <span class="muted">{places ? '' : items.length === 0 ? 'none' : items.length}</span>
      </legend>
      {field.help && <p class="field-help">{field.help}</p>}
      <ProblemText text={form.problemAt(path)} />
      <ol>
        {items.map((one, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- items have no other identity
          <li key={index} class="steer-item">
            <SchemaField
              field={places?.[index] ?? item}
              label={titleOfItem(one, label, index)}
              path={[...path, index]}
              value={one}
              isRequired
              isOpen={index === added}
            />
            {!places && (
              <div class="row">
                <Button
                  kind="quiet"
                  disabled={index === 0}
                  label={`Move item ${index + 1} up`}
                  onClick={() => set(moved(items, index))}
                >
                  ↑
                </Button>
                <Button
                  kind="quiet"
                  label={`Duplicate item ${index + 1}`}
                  onClick={() => set([...items.slice(0, index + 1), one, ...items.slice(index + 1)])}
                >
                  Duplicate
                </Button>
                <Button
                  kind="quiet"
                  label={`Remove item ${index + 1}`}
                  onClick={() => set(items.filter((_, other) => other !== index))}
                >
                  Remove
                </Button>
              </div>
            )}
          </li>
        ))}
      </ol>
      {!places && (
        <Button
          onClick={() => {
            setAdded(items.length)
            set([...items, initialValue(item)])
          }}
        >
          Add to {label}
        </Button>
      )}
    </fieldset>
  )
}

function moved(items: readonly unknown[], index: number): readonly unknown[] {
  const copy = [...items]
  copy.splice(index - 1, 0, ...copy.splice(index, 1))
  return copy
}

function titleOfItem(item: unknown, label: string, index: number): string {
  const name = isTree(item) && typeof item['name'] === 'string' ? item['name'] : ''
  const rule = isTree(item) && item['fault'] !== undefined ? describeRule(item) : ''
  const effects = isTree(item) && rule === '' ? effectsOf(item).join(', ') : ''
  return [name, rule, effects].filter((part) => part !== '').join(': ') || `${label} ${index + 1}`
}

function VariantValue({
  variants,
  label,
  path,
  value,
  field,
  isRequired,
}: ValueProps & { readonly variants: readonly Variant[] }) {
  const form = useContext(Form)
  const current = value === undefined ? -1 : variants.findIndex((variant) => hasForm(value, variant.field))
  const chosen = variants[current]
  // A word is chosen directly, together with the other forms.
  const isWord = chosen?.field.kind === 'choice'
  const change = (text: string): void => {
    if (text === '') form.onEdit(path, undefined)
    else if (text.startsWith('word ')) form.onEdit(path, text.slice(5))
    else {
      const next = variants[Number(text)]
      if (next) form.onEdit(path, initialValue(next.field))
    }
  }
  const id = useId()
  return (
    <div class="steer-variants">
      <div class="field">
        <label for={id}>{label}</label>
        <select
          id={id}
          value={isWord ? `word ${String(value)}` : current === -1 ? '' : String(current)}
          onChange={({ currentTarget }) => change(currentTarget.value)}
        >
          {!isRequired && (
            <option value="">{field.absent === undefined ? 'not set' : `default: ${field.absent}`}</option>
          )}
          {variants.map((variant, index) => (
            <VariantOptions key={variant.title} variant={variant} index={index} />
          ))}
        </select>
        {field.help && <span class="field-help">{field.help}</span>}
        <ProblemText text={form.problemAt(path)} />
      </div>
      {chosen && !isWord && (
        <div class="steer-variant">
          {chosen.field.kind === 'group' ? (
            <Members field={chosen.field} path={path} value={value} />
          ) : (
            <Value
              field={{ ...chosen.field, help: '', ...(field.unit && { unit: field.unit }) }}
              label={`${label}: value`}
              path={path}
              value={value}
              inherited={undefined}
              isRequired
            />
          )}
        </div>
      )}
    </div>
  )
}

function VariantOptions({ variant, index }: { readonly variant: Variant; readonly index: number }) {
  const { field, title } = variant
  if (field.kind !== 'choice')
    return <option value={String(index)}>{field.kind === 'group' ? `${title} …` : title}</option>
  return (
    <>
      {field.options.map((option) => (
        <option key={String(option)} value={`word ${String(option)}`}>
          {String(option)}
        </option>
      ))}
    </>
  )
}
