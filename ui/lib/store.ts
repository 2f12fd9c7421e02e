import { useEffect, useRef, useState } from 'preact/hooks'

/** A value that components can follow. */
export interface Store<Value> {
  get(): Value
  /** Replaces the value. Listeners are called only if it differs. */
  set(value: Value): void
  /** Returns a function that ends the subscription. */
  subscribe(listener: () => void): () => void
}

export function createStore<Value>(initial: Value): Store<Value> {
  let current = initial
  const listeners = new Set<() => void>()
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return
      current = value
      for (const listener of listeners) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Returns the value of a store, or a part of it. The component renders again when this part changes. */
export function useStore<Value>(store: Store<Value>): Value
export function useStore<Value, Part>(store: Store<Value>, select: (value: Value) => Part): Part
export function useStore<Value>(
  store: Store<Value>,
  select: (value: Value) => unknown = (value) => value,
): unknown {
  const [, renderAgain] = useState(0)
  const selected = select(store.get())
  // The subscription stays while the selection of the component changes, such as with its properties.
  const shown = useRef({ select, selected })
  shown.current = { select, selected }
  useEffect(() => {
    const update = (): void => {
      if (!Object.is(shown.current.select(store.get()), shown.current.selected))
        renderAgain((count) => count + 1)
    }
    // The value can change between rendering and this effect.
    update()
    return store.subscribe(update)
  }, [store])
  return selected
}
