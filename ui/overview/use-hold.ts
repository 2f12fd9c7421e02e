import { useRef, useState } from 'preact/hooks'

/** Whether a pointer or the focus is on a part of the page, and the handlers of this part that find it out. */
export interface Hold {
  readonly isHeld: boolean
  readonly handlers: {
    readonly onPointerEnter: () => void
    readonly onPointerLeave: () => void
    readonly onFocusIn: () => void
    readonly onFocusOut: () => void
  }
}

/** Tells whether a reader is about to use a part of the page, so that its rows do not move meanwhile. */
export function useHold(): Hold {
  const [isPointed, setPointed] = useState(false)
  const [isFocused, setFocused] = useState(false)
  return {
    isHeld: isPointed || isFocused,
    handlers: {
      onPointerEnter: () => setPointed(true),
      onPointerLeave: () => setPointed(false),
      onFocusIn: () => setFocused(true),
      onFocusOut: () => setFocused(false),
    },
  }
}

/** Returns the value, or the one from the begin of the hold. */
export function useHeld<Value>(value: Value, isHeld: boolean): Value {
  const kept = useRef(value)
  if (!isHeld) kept.current = value
  return kept.current
}
