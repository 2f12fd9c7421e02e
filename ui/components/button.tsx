import type { ComponentChildren, Ref } from 'preact'

interface ButtonProps {
  readonly children: ComponentChildren
  /** Default: a neutral button. A view has at most one `main` button. */
  readonly kind?: 'main' | 'danger' | 'quiet'
  readonly type?: 'button' | 'submit'
  readonly disabled?: boolean
  /** Name for screen readers, if the content is only a symbol; also the tooltip. */
  readonly label?: string
  /** For a button that switches something on and off. */
  readonly pressed?: boolean
  readonly expanded?: boolean
  readonly onClick?: () => void
  readonly buttonRef?: Ref<HTMLButtonElement>
}

export function Button(props: ButtonProps) {
  const {
    children,
    kind,
    type = 'button',
    disabled = false,
    label,
    pressed,
    expanded,
    onClick,
    buttonRef,
  } = props
  return (
    <button
      ref={buttonRef ?? null}
      type={type}
      class={kind ? `button button-${kind}` : 'button'}
      disabled={disabled}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      onClick={() => onClick?.()}
    >
      {children}
    </button>
  )
}
