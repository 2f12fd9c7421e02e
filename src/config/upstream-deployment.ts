import { apiForms } from '../wire/conversion.ts'
import type { NormalizationName } from '../wire/normalize-request.ts'

/** APIs that a deployment can ask its upstream with. `asked` is that of the request. */
export const upstreamForms = ['asked', ...apiForms] as const

/** Where the requests of a deployment are forwarded to. */
export interface UpstreamDeployment {
  /** Name of the upstream in `ResourceView.upstreams`. */
  readonly upstream: string
  /** Name of the deployment or model there; undefined: as the caller named it. */
  readonly name: string | undefined
  /** API that the upstream is asked with. `asked`: that of the caller; undefined: one that the model has. */
  readonly form: (typeof upstreamForms)[number] | undefined
  /** Parameters that a conversion may leave out, by their name in the request. */
  readonly drop: ReadonlySet<string>
  /** Normalisations of requests. */
  readonly normalize: ReadonlySet<NormalizationName>
}
