import { createStore, useStore } from './store.ts'

/** The place in the page: `#/requests/123?status=429`. */
export interface Route {
  /** Decoded segments of the path; the first one names the view, and is empty for the overview. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
}

/** Parses the fragment of an address. Invalid percent-encodings stay as they are. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split(/\?(.*)/s)
  return { segments: path.split('/').map(decodeSegment), query: new URLSearchParams(query) }
}

function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Returns the fragment for segments and query parameters. Undefined and empty parameters are left out. */
export function routeTo(
  segments: readonly string[],
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const parameters = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) => (value ? [[name, value]] : [])),
  ).toString()
  return `#/${segments.map(encodeURIComponent).join('/')}${parameters && `?${parameters}`}`
}

const hashOf = (): string => (typeof location === 'undefined' ? '' : location.hash)
const routes = createStore<Route>(parseRoute(hashOf()))
if (typeof addEventListener === 'function') {
  addEventListener('hashchange', () => routes.set(parseRoute(hashOf())))
}

/** Returns the current route. The component renders again when it changes. */
export function useRoute(): Route {
  return useStore(routes)
}

/** Opens a fragment. `replace` leaves no entry in the history, for example while a filter is typed. */
export function navigate(fragment: string, { replace = false } = {}): void {
  if (!replace) {
    location.hash = fragment
    return
  }
  history.replaceState(history.state, '', fragment)
  routes.set(parseRoute(fragment))
}
