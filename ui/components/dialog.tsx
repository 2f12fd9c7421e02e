import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { Button } from './button.tsx'

interface DialogProps {
  readonly title: string
  readonly isOpen: boolean
  /** Called by Escape, by the button and by a click beside the dialog. */
  readonly onClose: () => void
  readonly children: ComponentChildren
  /** Buttons at the end. */
  readonly actions?: ComponentChildren
  readonly isWide?: boolean
}

/** A modal dialog. The focus goes into it, and back to where it was. */
export function Dialog({ title, isOpen, onClose, children, actions, isWide = false }: DialogProps) {
  const id = useId()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const element = dialog.current
    if (isOpen && !element?.open) element?.showModal()
    if (!isOpen && element?.open) element.close()
  }, [isOpen])
  return (
    <dialog
      ref={dialog}
      class={isWide ? 'dialog dialog-wide' : 'dialog'}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={({ target, currentTarget }) => {
        // The backdrop belongs to the dialog; its content is in a child.
        if (target === currentTarget) onClose()
      }}
    >
      {isOpen && (
        <div class="dialog-content">
          <div class="dialog-head">
            <h2 id={id}>{title}</h2>
            <Button kind="quiet" label="Close" onClick={onClose}>
              ✕
            </Button>
          </div>
          <div class="dialog-body">{children}</div>
          {actions && <div class="dialog-actions">{actions}</div>}
        </div>
      )}
    </dialog>
  )
}
