import type { ComponentChildren } from 'preact'
import { useId, useRef } from 'preact/hooks'

interface TabsProps<Name extends string> {
  /** Name of the group for screen readers. */
  readonly label: string
  readonly tabs: readonly { readonly name: Name; readonly title: ComponentChildren }[]
  readonly active: Name
  readonly onChange: (name: Name) => void
  /** Content of the active tab. */
  readonly children: ComponentChildren
}

/** Tabs: the arrow keys choose one. */
export function Tabs<Name extends string>({ label, tabs, active, onChange, children }: TabsProps<Name>) {
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  const choose = (index: number): void => {
    const at = (index + tabs.length) % tabs.length
    const tab = tabs[at]
    if (!tab) return
    onChange(tab.name)
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[at]?.focus()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const index = tabs.findIndex(({ name }) => name === active)
    const next = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: tabs.length - 1 }[event.key]
    if (next === undefined) return
    event.preventDefault()
    choose(next)
  }
  return (
    <div class="tabs">
      <div ref={list} role="tablist" aria-label={label} tabIndex={-1} onKeyDown={onKeyDown}>
        {tabs.map(({ name, title }) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-${name}`}
            aria-selected={name === active}
            aria-controls={`${id}-panel`}
            tabIndex={name === active ? 0 : -1}
            onClick={() => onChange(name)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${active}`}>
        {children}
      </div>
    </div>
  )
}
