/** The token of the administrator of every twin under test. */
export const twinAdminToken = 'adm'

/** An answer of /_twin; the body is parsed where it is JSON. */
export interface TwinResponse {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any
}

/** Who asks: a tenant, the administrator, an anonymous client, or headers as they are. */
export type As = Credentials | 'admin' | 'anonymous' | Readonly<Record<string, string>>

/** What a tenant authenticates with. */
export interface Credentials {
  readonly tenant_id: string
  readonly tenant_secret: string
}

export interface TwinApi {
  readonly ask: (method: string, path: string, as?: As, body?: unknown) => Promise<TwinResponse>
  /** Creates a tenant. */
  readonly tenant: (friendlyName?: string) => Promise<Credentials>
  /** Creates a resource with a deployment `chat` and a key, and returns the key. */
  readonly resource: (name: string, tenant: Credentials) => Promise<{ key: string; keyId: string }>
}

/** Sends requests to /_twin through any function with the shape of `fetch`. */
export function twinApiOf(send: (path: string, init: RequestInit) => Promise<Response>): TwinApi {
  const ask: TwinApi['ask'] = async (method, path, as = 'anonymous', body) => {
    const response = await send(path, {
      method,
      headers: { ...headersOf(as), ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== '' ? JSON.parse(text) : undefined,
    }
  }
  return {
    ask,
    tenant: async (friendlyName = 'Dev') =>
      (await ask('POST', '/_twin/tenants', 'anonymous', { friendly_name: friendlyName })).body,
    async resource(name, tenant) {
      const path = `/_twin/resources/${name}`
      await ask('POST', '/_twin/resources', tenant, { resource_id: name })
      await ask('POST', `${path}/deployments`, tenant, { model: 'gpt-4o-mini', deployment_id: 'chat' })
      const { body } = await ask('POST', `${path}/api_keys`, tenant, {})
      return { key: body.api_key, keyId: body.key_id }
    },
  }
}

function headersOf(as: As): Readonly<Record<string, string>> {
  if (as === 'anonymous') return {}
  if (as === 'admin') return { authorization: `Bearer ${twinAdminToken}` }
  return 'tenant_id' in as && 'tenant_secret' in as ? basic(as as Credentials) : as
}

/** The header of HTTP Basic. */
export function basic({ tenant_id, tenant_secret }: Credentials): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(`${tenant_id}:${tenant_secret}`).toString('base64')}` }
}
