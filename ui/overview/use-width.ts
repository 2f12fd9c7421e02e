import type { RefObject } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'

/** Returns the width of an element, or of its first child, in pixels. The component renders again when it changes. */
export function useWidth(element: RefObject<HTMLElement | null>, { ofFirstChild = false } = {}): number {
  const [width, setWidth] = useState(360)
  useLayoutEffect(() => {
    const { current } = element
    const measured = ofFirstChild ? current?.firstElementChild : current
    if (!measured) return undefined
    const observer = new ResizeObserver(() => setWidth(measured.clientWidth))
    observer.observe(measured)
    return () => observer.disconnect()
  }, [ofFirstChild])
  return width
}
