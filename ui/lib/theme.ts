import { createStore, type Store } from './store.ts'

export type Theme = 'system' | 'light' | 'dark'

const storageKey = 'aoai-sim-theme'

/** The colours of the page. `system` follows the setting of the device. */
export const theme: Store<Theme> = createStore<Theme>('system')

/** Takes the theme that was chosen before. */
export function openTheme(): void {
  let stored: string | null = null
  try {
    stored = localStorage.getItem(storageKey)
  } catch {
    // A browser can forbid storage.
  }
  show(stored === 'light' || stored === 'dark' ? stored : 'system')
}

/** Changes the theme and keeps it on this device. */
export function chooseTheme(chosen: Theme): void {
  show(chosen)
  try {
    localStorage.setItem(storageKey, chosen)
  } catch {
    // The theme applies until the page is closed.
  }
}

function show(chosen: Theme): void {
  const { dataset } = document.documentElement
  if (chosen === 'system') delete dataset['theme']
  else dataset['theme'] = chosen
  theme.set(chosen)
}
