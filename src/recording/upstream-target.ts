/** Where the requests of one upstream go. */
export interface UpstreamTarget {
  /** Scheme, host and port: `https://my-resource.openai.azure.com`. */
  readonly origin: string
  readonly secure: boolean
  /** Without the brackets of IPv6. */
  readonly host: string
  readonly port: number
  /** The path in front of every request's, without a slash at its end; mostly empty. */
  readonly basePath: string
  /** Whether it is a resource of Azure, which takes its key as `api-key`. */
  readonly isAzure: boolean
}

/** Domains of Azure OpenAI, Azure AI services and API Management, in all clouds. */
const azureHost = /\.(azure\.(com|us|cn)|azure-api\.(net|us|cn)|windows\.net)$/i

/** Reads an endpoint that has been checked to be an http or https URL. */
export function parseUpstreamTarget(endpoint: string): UpstreamTarget {
  const url = new URL(endpoint)
  const secure = url.protocol === 'https:'
  return {
    origin: url.origin,
    secure,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    basePath: url.pathname.replace(/\/+$/, ''),
    isAzure: azureHost.test(url.hostname),
  }
}

/**
 * The path and query that a request has at the upstream. An endpoint is often given with the path that its clients take
 * (`https://api.openai.com/v1`); what a request brings along of it is not said twice.
 */
export function upstreamPath({ basePath }: UpstreamTarget, path: string, query: string): string {
  const whole = path === basePath || path.startsWith(`${basePath}/`) ? path : basePath + path
  return query === '' ? whole : `${whole}?${query}`
}
