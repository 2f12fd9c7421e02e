import type { ResourceView } from '../config/config.ts'
import { originOf } from '../pipeline/origin.ts'

/** Returns the address that the client uses: PUBLIC_URL, or that in the Host header. The scheme is that of its connection or proxy. */
export function pageOrigin({ headers, url }: Request, config: ResourceView): string {
  const origin = originOf({ headers: Object.fromEntries(headers), config })
  const isSecure = config.publicUrl === undefined && url.startsWith('https:')
  return isSecure ? origin.replace(/^http:/, 'https:') : origin
}
