import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface FieldProps {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
  /** Called when the field loses the focus or Enter is pressed. */
  readonly onCommit?: ((value: string) => void) | undefined
  readonly type?: 'text' | 'search' | 'number' | 'password'
  /** Explains the field. */
  readonly help?: ComponentChildren
  /** What is wrong with the value. */
  readonly problem?: string | undefined
  readonly placeholder?: string
  readonly unit?: string
  /** More than one line. */
  readonly rows?: number
  readonly hidesLabel?: boolean
  readonly disabled?: boolean
}

/** A labelled text field, with help and a problem that screen readers announce. */
export function Field(props: FieldProps) {
  const { label, value, onInput, onCommit, type = 'text', help, problem, placeholder, unit, rows } = props
  const id = useId()
  const described = [help && `${id}-help`, problem && `${id}-problem`].filter(Boolean).join(' ')
  const common = {
    id,
    value,
    placeholder,
    disabled: props.disabled ?? false,
    spellcheck: false,
    autocomplete: 'off',
    'aria-invalid': problem ? true : undefined,
    'aria-describedby': described || undefined,
  } as const
  return (
    <div class="field">
      <label for={id} class={props.hidesLabel ? 'visually-hidden' : undefined}>
        {label}
      </label>
      {rows === undefined ? (
        <span class="field-input">
          <input
            {...common}
            {...inputType(type)}
            inputMode={type === 'number' ? 'decimal' : undefined}
            onInput={({ currentTarget }) => onInput(currentTarget.value)}
            onChange={({ currentTarget }) => onCommit?.(currentTarget.value)}
          />
          {unit && <span class="muted">{unit}</span>}
        </span>
      ) : (
        <textarea
          {...common}
          rows={rows}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
          onChange={({ currentTarget }) => onCommit?.(currentTarget.value)}
        />
      )}
      {help && (
        <span id={`${id}-help`} class="field-help">
          {help}
        </span>
      )}
      {problem && (
        <span id={`${id}-problem`} class="field-problem" role="alert">
          {problem}
        </span>
      )}
    </div>
  )
}

/** A number is typed as text, so that every wrong input can be read and named. */
function inputType(type: FieldProps['type']): { readonly type: 'text' } {
  return { type: type === 'number' ? 'text' : type } as { type: 'text' }
}

interface SelectProps<Value extends string> {
  readonly label: string
  readonly value: Value
  readonly options: readonly { readonly value: Value; readonly title: string }[]
  readonly onChange: (value: Value) => void
  readonly help?: ComponentChildren
  readonly hidesLabel?: boolean
  readonly disabled?: boolean
}

export function Select<Value extends string>(props: SelectProps<Value>) {
  const { label, value, options, onChange, help } = props
  const id = useId()
  return (
    <div class="field">
      <label for={id} class={props.hidesLabel ? 'visually-hidden' : undefined}>
        {label}
      </label>
      <select
        id={id}
        value={value}
        disabled={props.disabled ?? false}
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={({ currentTarget }) => onChange(currentTarget.value as Value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.title}
          </option>
        ))}
      </select>
      {help && (
        <span id={`${id}-help`} class="field-help">
          {help}
        </span>
      )}
    </div>
  )
}

interface SwitchProps {
  readonly label: ComponentChildren
  readonly isOn: boolean
  readonly onChange: (isOn: boolean) => void
  readonly disabled?: boolean
}

/** Switches a setting on or off. */
export function Switch({ label, isOn, onChange, disabled = false }: SwitchProps) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked={isOn}
        disabled={disabled}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <span class="switch-track" aria-hidden="true" />
      <span>{label}</span>
    </label>
  )
}
