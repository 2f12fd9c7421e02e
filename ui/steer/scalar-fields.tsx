import { createContext } from 'preact'
import { useContext, useId, useState } from 'preact/hooks'
import { Button } from '../components/button.tsx'
import { Field as TextField } from '../components/field.tsx'
import { Slider } from '../components/slider.tsx'
import type { Path } from './json-tree.ts'
import { type Field, initialValue, type NumberField, rangeOf } from './schema-form.ts'

/** What the fields of a form share. */
export interface FormContext {
  /** Part of the ids of fields. */
  readonly id: string
  readonly onEdit: (path: Path, value: unknown) => void
  /** Returns what the simulator says about the value at a path. */
  readonly problemAt: (path: Path) => string | undefined
  /** Returns whether the value at a path, or a part of it, has a problem. */
  readonly hasProblemIn: (path: Path) => boolean
  /** Returns whether the value at a path, or a part of it, differs from that of the simulator. */
  readonly isEdited: (path: Path) => boolean
  /** Returns choices for a text, such as names of deployments. */
  readonly choicesFor?: (path: Path) => readonly string[] | undefined
  /** Returns the value of an absent setting, if it is inherited. */
  readonly inherited?: (path: Path) => unknown
}

export const Form = createContext<FormContext>({
  id: '',
  onEdit: () => undefined,
  problemAt: () => undefined,
  hasProblemIn: () => false,
  isEdited: () => false,
})

export interface SchemaFieldProps {
  readonly field: Field
  readonly label: string
  readonly path: Path
  readonly value: unknown
  /** A required value cannot be removed. */
  readonly isRequired?: boolean
  /** Whether an item of a list shows its members at first. */
  readonly isOpen?: boolean
}

/** Properties of the control of a value. */
export interface ValueProps extends SchemaFieldProps {
  readonly inherited: unknown
}

/** Returns the help of a field with its range. */
export function helpOf({ help, range }: Field): string {
  return range === undefined ? help : `${help} (${range})`
}

/** What the simulator says about a value. */
export function ProblemText({ text }: { readonly text: string | undefined }) {
  return text === undefined ? null : (
    <span class="field-problem" role="alert">
      {text}
    </span>
  )
}

/** A select with one of a few words. */
export function Choice(props: {
  readonly label: string
  readonly help: string
  readonly value: string
  readonly options: readonly string[]
  /** Meaning of no choice; undefined: there must be one. */
  readonly absent: string | undefined
  readonly problem: string | undefined
  readonly onChange: (value: string) => void
}) {
  const { label, help, value, options, absent, problem, onChange } = props
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-invalid={problem ? true : undefined}
        aria-describedby={`${id}-help ${id}-problem`}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      >
        {absent !== undefined && <option value="">{absent === '' ? 'not set' : `default: ${absent}`}</option>}
        {options.map((option) => (
          <option key={option} value={option}>
            {option === 'true' ? 'on' : option === 'false' ? 'off' : option}
          </option>
        ))}
      </select>
      <span id={`${id}-help`} class="field-help">
        {help}
      </span>
      {problem && (
        <span id={`${id}-problem`} class="field-problem" role="alert">
          {problem}
        </span>
      )}
    </div>
  )
}

/** A slider, or a button that sets a number that is not set. */
export function NumberValue({
  field,
  label,
  path,
  value,
  inherited,
  isRequired,
}: ValueProps & { readonly field: NumberField }) {
  const form = useContext(Form)
  const key = path.findLast((part) => typeof part === 'string') ?? ''
  const range = rangeOf(field, key)
  const fallback = Number(inherited ?? field.absent)
  const hasValue = typeof value === 'number'
  if (value === undefined && !Number.isFinite(fallback) && !isRequired) {
    // Without a number that applies, a slider would show a wrong one.
    const first = key.endsWith('tokens_per_minute')
      ? 60_000
      : key.endsWith('requests_per_minute')
        ? 60
        : initialValue(field)
    return (
      <div class="steer-unset">
        <span class="steer-label">{label}</span>
        <Button onClick={() => form.onEdit(path, first)} label={`Set ${label}`}>
          Set
        </Button>
        <span class="field-help">{field.help}</span>
        <ProblemText text={form.problemAt(path)} />
      </div>
    )
  }
  const limit = field.max === Infinity ? Number.MAX_SAFE_INTEGER : field.max
  return (
    <Slider
      label={label}
      value={hasValue ? value : Number.isFinite(fallback) ? fallback : range.min}
      min={range.min}
      max={range.max}
      limit={limit}
      step={range.step}
      scale={range.scale}
      help={helpOf(field)}
      problem={form.problemAt(path)}
      {...(field.unit && { unit: field.unit })}
      onInput={(next) => form.onEdit(path, next)}
    />
  )
}

/** A value of any form, as JSON text. */
export function JsonValue({ label, path, value, field }: ValueProps) {
  const form = useContext(Form)
  const [text, setText] = useState<string>()
  const [problem, setProblem] = useState<string>()
  const shown = text ?? (value === undefined ? '' : JSON.stringify(value, null, 2))
  return (
    <TextField
      label={label}
      value={shown}
      rows={Math.min(12, Math.max(2, shown.split('\n').length))}
      help={`${helpOf(field)} Enter JSON.`.trim()}
      problem={problem ?? form.problemAt(path)}
      onInput={(next) => {
        setText(next)
        if (next.trim() === '') {
          setProblem(undefined)
          form.onEdit(path, undefined)
          return
        }
        try {
          form.onEdit(path, JSON.parse(next))
          setProblem(undefined)
        } catch (error) {
          setProblem(`This is not JSON: ${error instanceof Error ? error.message : String(error)}.`)
        }
      }}
      onCommit={() => problem === undefined && setText(undefined)}
    />
  )
}
