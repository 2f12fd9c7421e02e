import type { ServiceError } from './errors.ts'

/** A checked request, or the service's refusal of it. */
export type Parsed<T> =
  { readonly ok: true; readonly request: T } | { readonly ok: false; readonly error: ServiceError }
