import type { AdminRoute } from './admin-route.ts'

/** What a path leads to: the routes of its methods, and the parts of it that stand for parameters. */
export interface FoundPath {
  readonly routes: readonly AdminRoute[]
  readonly params: Readonly<Record<string, string>>
}

/** Finds the routes of a path; none for an unknown one. Several slashes in a row count as one, and one at the end for none. */
export function findRoutes(pathname: string, routes: readonly AdminRoute[]): FoundPath {
  const segments = pathname.split('/').filter((segment) => segment !== '')
  const fitting = routes.flatMap((route) => {
    const params = matchPath(route.path, segments)
    return params ? [{ route, params }] : []
  })
  return { routes: fitting.map(({ route }) => route), params: fitting[0]?.params ?? {} }
}

function matchPath(template: string, segments: readonly string[]): Record<string, string> | undefined {
  const parts = template.slice(1).split('/')
  if (parts.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, part] of parts.entries()) {
    const segment = segments[index] ?? ''
    if (part.startsWith('{')) params[part.slice(1, -1)] = decode(segment)
    else if (part !== segment) return undefined
  }
  return params
}

/** A segment that is encoded wrongly stands for itself. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
