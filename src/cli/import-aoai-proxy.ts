import { shortText } from '../lib/error-text.ts'
import { fieldsOf, isRecord } from '../lib/record.ts'
import {
  ConfigDraft,
  type DraftMap,
  type Imported,
  isAddress,
  isApiVersion,
  isDeploymentName,
  plainAddress,
} from './import-draft.ts'

type Fields = Readonly<Record<string, unknown>>

/** Converts the config.json of AOAI-Proxy. */
export function importAoaiProxy(text: string): Imported {
  const config = parseConfig(text)
  if (typeof config === 'string') return { draft: new ConfigDraft([]), problems: [config] }
  return new AoaiProxy(config).convert()
}

/** Returns the object of a JSON text, or a problem. The error of JSON.parse quotes the text, which contains secrets. */
function parseConfig(text: string): Fields | string {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    const [, position] = /position (\d+)/.exec(String(error)) ?? []
    const line = position === undefined ? undefined : text.slice(0, Number(position)).split('\n').length
    const where = line === undefined ? '' : ` (see line ${line})`
    return `It must be JSON${where}. Give the config.json of AOAI-Proxy.`
  }
  return isRecord(value) ? value : 'It must be a JSON object. Give the config.json of AOAI-Proxy.'
}

const chat = 'chat/completions'

/** Operations of the gateway by the names that AOAI-Proxy gives to its paths. */
const operationsByRoute: Readonly<Record<string, string>> = {
  [chat]: 'chatCompletions',
  responses: 'responses',
  'images/generations': 'imageGenerations',
}

const serverKeys = ['host', 'port', 'adminPath', 'adminAuth', 'caddy', 'imageCompression', 'upstream']
const authKeys = [
  'mode',
  'tenantId',
  'clientId',
  'clientSecret',
  'managedIdentityClientId',
  'scope',
  'apiKey',
]
const retryKeys = ['retryBaseMs', 'retryMaxMs', 'retryStatuses']
const connectionKeys = ['connectTimeoutMs', 'firstByteTimeoutMs', 'idleTimeoutMs', 'requestTimeoutMs', 'pool']

const defaultScope = 'https://cognitiveservices.azure.com/.default'

/** Where a path of an upstream leads. */
interface UpstreamPath {
  readonly endpoint: string
  readonly kind: 'azure' | 'openai'
  /** `v1`, or the date in the query; undefined for a path of OpenAI. */
  readonly version: string | undefined
}

class AoaiProxy {
  readonly #config: Fields
  readonly #draft: ConfigDraft
  readonly #problems: string[] = []

  constructor(config: Fields) {
    this.#config = config
    this.#draft = new ConfigDraft(secretsOf(config))
  }

  convert(): Imported {
    const draft = this.#draft
    this.#reportUnknown(this.#config, '', ['server', 'auth', 'apiKeys', 'upstreams', 'models'])
    const server = this.#object(this.#config, 'server')
    this.#server(server)
    this.#clientKeys()
    draft.settings.set('simulator_mode', 'forward')
    draft.settings.comment('Other models get 404, as in AOAI-Proxy.')
    draft.settings.set('allow_undefined_openai_deployments', false)
    const names = this.#upstreams(this.#object(server, 'server.upstream'))
    this.#models(names)
    return { draft, problems: this.#problems }
  }

  #server(server: Fields): void {
    const { settings } = this.#draft
    const at = 'server'
    this.#reportUnknown(server, at, serverKeys)
    settings.set('host', this.#text(server, 'server.host') || '0.0.0.0')
    settings.set('port', this.#number(server, 'server.port', 0, 65_535) ?? 3_000)
    const { enabled } = this.#object(server, 'server.adminAuth')
    if (enabled === true) {
      const meaning = 'the key of the admin API, instead of the user and password of server.adminAuth'
      settings.set('admin_api_key', this.#draft.secret('ADMIN_API_KEY', meaning))
    }
    const adminPath = this.#text(server, 'server.adminPath')
    if (adminPath !== '' && adminPath !== '/admin')
      this.#lose('server.adminPath', 'the admin API of the gateway is under /++/.')
    if (this.#object(server, 'server.caddy')['enabled'] === true)
      this.#lose('server.caddy', 'the gateway serves HTTPS itself. Set TLS_CERT_PATH and TLS_KEY_PATH.')
    const compression = server['imageCompression']
    if (compression !== undefined && fieldsOf(compression)['enabled'] !== false)
      this.#lose('server.imageCompression', 'the gateway passes on images as they are.')
  }

  #clientKeys(): void {
    const { settings } = this.#draft
    const keys = this.#list(this.#config, 'apiKeys').map(fieldsOf)
    const enabled = keys.filter(
      ({ key, status }) => typeof key === 'string' && key !== '' && status !== 'disabled',
    )
    const shown = (entry: Fields): string => `apiKeys[${keys.indexOf(entry)}]${labelOf(entry)}`
    const [first, ...others] = enabled
    const meaning = first
      ? `the key of ${shown(first)}`
      : 'a key of your choice, because apiKeys has no enabled key'
    settings.set('api_key', this.#draft.secret('SIMULATOR_API_KEY', `the key that clients send, ${meaning}`))
    for (const entry of others)
      this.#lose(
        shown(entry),
        'the file has one key of clients. Add the others with POST /++/resources/default/keys, and keep them with CONFIG_STORE.',
      )
    for (const entry of keys)
      if (!enabled.includes(entry)) this.#lose(shown(entry), 'it is disabled or has no key.')
  }

  /** Returns the names in the file of upstreams by their names in AOAI-Proxy. */
  #upstreams(server: Fields): ReadonlyMap<string, string> {
    const names = new Map<string, string>()
    const upstreams = this.#list(this.#config, 'upstreams')
    if (upstreams.length === 0)
      this.#problems.push('upstreams must have at least one upstream. Give the config.json of AOAI-Proxy.')
    for (const [index, entry] of upstreams.entries()) {
      const at = `upstreams[${index}]`
      const upstream = fieldsOf(entry)
      const name = this.#text(upstream, `${at}.name`)
      const baseUrl = this.#text(upstream, `${at}.baseUrl`)
      if (name === '') this.#problems.push(`${at}.name must be a text that is not empty.`)
      // It can contain a password, so it is not quoted.
      if (!isAddress(baseUrl))
        this.#problems.push(`${at}.baseUrl must be an http or https address without a query or a password.`)
      if (name === '' || !isAddress(baseUrl)) continue
      if (names.has(name)) {
        this.#problems.push(`${at}.name must be unique (got ${shortText(name)}). Rename one of them.`)
        continue
      }
      const own = this.#draft.upstreamName(name)
      names.set(name, own)
      const map = this.#draft.upstreams.map(own)
      this.#reportUnknown(upstream, at, ['name', 'baseUrl', 'routes'], map)
      this.#paths(map, at, baseUrl, this.#object(upstream, `${at}.routes`))
      this.#credential(map)
      this.#connection(map, server)
    }
    return names
  }

  /** Sets address, kind and api-version, which AOAI-Proxy has in the paths of an upstream. */
  #paths(map: DraftMap, at: string, baseUrl: string, routes: Fields): void {
    const found = new Map<string, UpstreamPath>()
    for (const [route, path] of Object.entries(routes)) {
      const leads = readPath(route, path, baseUrl)
      const [first = leads] = found.values()
      const isOther = leads && first && (leads.endpoint !== first.endpoint || leads.kind !== first.kind)
      const why = !leads
        ? 'the gateway makes the paths of the service itself.'
        : isOther && `its address differs from that of the first route, and an upstream has one address.`
      if (why) this.#lose(`${at}.routes[${JSON.stringify(shortText(route))}]`, why, map)
      else if (leads) found.set(route, leads)
    }
    const [{ endpoint, kind } = { endpoint: plainAddress(baseUrl), kind: 'azure' }] = found.values()
    map.set('endpoint', endpoint).set('kind', kind)
    const versions = [...found].flatMap(([route, { version }]) =>
      version === undefined ? [] : [[operationsByRoute[route] ?? route, version] as const],
    )
    if (new Set(versions.map(([, version]) => version)).size === 1) map.set('api_version', versions[0]?.[1])
    else if (versions.length > 0) {
      const byOperation = map.map('api_version')
      for (const [operation, version] of versions) byOperation.set(operation, version)
    }
  }

  #credential(map: DraftMap): void {
    const auth = this.#object(this.#config, 'auth')
    const text = (key: string): string => this.#text(auth, `auth.${key}`)
    this.#reportUnknown(auth, 'auth', authKeys, map)
    const mode = text('mode') || 'servicePrincipal'
    if (mode === 'apiKey') {
      map.set('key', this.#draft.secret('GATEWAY_UPSTREAM_KEY', 'the key of the service in auth.apiKey'))
      return
    }
    if (mode !== 'servicePrincipal') {
      this.#problem(`auth.mode must be servicePrincipal or apiKey (got ${shortText(mode)}).`)
      return
    }
    map.set('credential', 'entra')
    const [tenant, client, identity, scope] = [
      text('tenantId'),
      text('clientId'),
      text('managedIdentityClientId'),
      text('scope'),
    ]
    if (tenant !== '' && client !== '' && text('clientSecret') !== '') {
      const secret = this.#draft.secret('GATEWAY_CLIENT_SECRET', 'the secret in auth.clientSecret')
      map.set('tenant_id', tenant).set('client_id', client).set('client_secret', secret)
    } else if (identity !== '') map.set('client_id', identity)
    if (scope !== '' && scope !== defaultScope) map.set('scope', scope)
  }

  #connection(map: DraftMap, server: Fields): void {
    const at = 'server.upstream'
    const pool = this.#object(server, `${at}.pool`)
    const milliseconds = (key: string): number | undefined =>
      this.#number(server, `${at}.${key}`, 1, 86_400_000)
    const retries = this.#number(server, `${at}.maxRetries`, 0, Infinity) ?? 0
    map.set('connect_timeout_ms', milliseconds('connectTimeoutMs'))
    map.set('first_byte_timeout_ms', milliseconds('firstByteTimeoutMs'))
    map.set('idle_timeout_ms', milliseconds('idleTimeoutMs'))
    map.set('total_timeout_ms', milliseconds('requestTimeoutMs'))
    map.set('connections', this.#number(pool, `${at}.pool.connections`, 1, 65_535))
    map.set('retries', retries > 0 ? Math.min(retries, 20) : undefined)
    if (retries > 20) this.#lose(`${at}.maxRetries`, 'the gateway retries at most 20 times.', map)
    const repeats = retryKeys.filter((key) => Object.hasOwn(server, key))
    if (retries > 0 && repeats.length > 0)
      this.#lose(
        repeats.map((key) => `${at}.${key}`).join(', '),
        'the gateway waits as retry-after says, and retries 408, 429, 5xx and failed connections.',
        map,
      )
    const others = Object.keys(pool).filter((key) => key !== 'connections')
    if (others.length > 0)
      this.#lose(
        others.map((key) => `${at}.pool.${key}`).join(', '),
        'the gateway manages its connections itself.',
        map,
      )
    this.#reportUnknown(server, at, [...connectionKeys, 'maxRetries', ...retryKeys], map)
  }

  #models(names: ReadonlyMap<string, string>): void {
    const models = this.#list(this.#config, 'models')
    if (models.length === 0)
      this.#problems.push('models must have at least one model. Give the config.json of AOAI-Proxy.')
    const seen = new Set<string>()
    for (const [index, entry] of models.entries()) {
      const at = `models[${index}]`
      const model = fieldsOf(entry)
      const id = this.#text(model, `${at}.id`)
      const target = this.#text(model, `${at}.targetModel`) || id
      const upstream = this.#text(model, `${at}.upstream`)
      const own = names.get(upstream)
      if (!isDeploymentName(id))
        this.#problems.push(
          `${at}.id must be 1 to 256 printable characters without a space at an end (got ${JSON.stringify(shortText(id))}).`,
        )
      else if (!isDeploymentName(target))
        this.#problems.push(
          `${at}.targetModel must be 1 to 256 printable characters without a space at an end (got ${JSON.stringify(shortText(target))}).`,
        )
      else if (own === undefined)
        this.#problems.push(
          `${at}.upstream must be the name of one of upstreams (got ${JSON.stringify(shortText(upstream))}).`,
        )
      else if (seen.has(id))
        this.#lose(
          at,
          `models has ${shortText(id)} twice, and AOAI-Proxy uses the first one.`,
          this.#draft.deployments,
        )
      else {
        seen.add(id)
        const map = this.#draft.deployments.map(id).set('upstream', `${own}/${target}`)
        this.#reportUnknown(model, at, ['id', 'upstream', 'targetModel', 'routes'], map)
        this.#form(map, at, this.#object(model, `${at}.routes`))
      }
    }
  }

  /** Sets the form that the model speaks, which AOAI-Proxy has as another route for each path. */
  #form(map: DraftMap, at: string, routes: Fields): void {
    const leads = (route: string): string | undefined => {
      const other = routes[route] ?? routes['*']
      if (other === undefined) return route
      if (typeof other !== 'string') return undefined
      if (!other.startsWith('/')) return other
      return Object.keys(operationsByRoute).find((known) => pathOf(other).endsWith(`/${known}`))
    }
    const forms = [leads(chat), leads('responses')].join(' ')
    if (forms === 'responses responses') map.set('form', 'responses')
    else if (forms === `${chat} ${chat}`) map.set('form', 'chat')
    else if (forms !== `${chat} responses`)
      this.#lose(`${at}.routes`, 'it is not one of the forms chat and responses.', map)
    const literal = Object.values(routes).some((other) => typeof other === 'string' && other.startsWith('/'))
    if (literal)
      this.#lose(`the path in ${at}.routes`, 'the gateway makes the paths of the service itself.', map)
  }

  #lose(what: string, why: string, map: DraftMap = this.#draft.settings): void {
    this.#draft.lose(map, what, why)
  }

  /** Adds a problem once, because all upstreams share some settings. */
  #problem(text: string): void {
    if (!this.#problems.includes(text)) this.#problems.push(text)
  }

  #reportUnknown(fields: Fields, at: string, known: readonly string[], map = this.#draft.settings): void {
    for (const key of Object.keys(fields).filter((key) => !known.includes(key)))
      this.#lose(
        [...(at === '' ? [] : [at]), shortText(key)].join('.'),
        'it is not a key of AOAI-Proxy.',
        map,
      )
  }

  #object(fields: Fields, path: string): Fields {
    const value = valueAt(fields, path)
    if (value !== undefined && value !== null && !isRecord(value)) this.#problem(`${path} must be an object.`)
    return fieldsOf(value)
  }

  #list(fields: Fields, path: string): readonly unknown[] {
    const value = valueAt(fields, path)
    if (Array.isArray(value)) return value
    if (value !== undefined && value !== null) this.#problem(`${path} must be a list.`)
    return []
  }

  #text(fields: Fields, path: string): string {
    const value = valueAt(fields, path)
    if (value === undefined || value === null) return ''
    if (typeof value === 'string') return value.trim()
    this.#problem(`${path} must be a text.`)
    return ''
  }

  #number(fields: Fields, path: string, min: number, max: number): number | undefined {
    const value = valueAt(fields, path)
    if (value === undefined || value === null) return undefined
    if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return Number(value)
    this.#problem(
      `${path} must be an integer of at least ${min}${max === Infinity ? '' : ` and at most ${max}`}.`,
    )
    return undefined
  }
}

/** Returns the value of the last part of a path: that of `port` for `server.port`. */
function valueAt(fields: Fields, path: string): unknown {
  const key = path.slice(path.lastIndexOf('.') + 1)
  return Object.hasOwn(fields, key) ? fields[key] : undefined
}

function labelOf({ id }: Fields): string {
  return typeof id === 'string' && id !== '' ? ` (${shortText(id)})` : ''
}

function secretsOf({ auth, apiKeys, server }: Fields): string[] {
  const { apiKey, clientSecret } = fieldsOf(auth)
  const { password } = fieldsOf(fieldsOf(server)['adminAuth'])
  const keys = Array.isArray(apiKeys) ? apiKeys.map((entry) => fieldsOf(entry)['key']) : []
  return [apiKey, clientSecret, password, ...keys].filter((value) => typeof value === 'string')
}

function pathOf(path: string): string {
  return path.replace(/[?#].*$/s, '')
}

/** Returns where a path of an upstream leads, as AOAI-Proxy makes its URL; undefined for a path that the gateway does not make. */
function readPath(route: string, path: unknown, baseUrl: string): UpstreamPath | undefined {
  const text = String(path).replaceAll('{deployment}', 'deployment-name')
  if (!Object.hasOwn(operationsByRoute, route) || !URL.canParse(text, baseUrl)) return undefined
  const { origin, pathname, searchParams } = new URL(text, baseUrl)
  const date = searchParams.get('api-version') ?? ''
  const forms = [
    { end: `/openai/v1/${route}`, kind: 'azure', version: 'v1' },
    { end: `/openai/deployments/deployment-name/${route}`, kind: 'azure', version: date },
    { end: `/openai/${route}`, kind: 'azure', version: date },
    { end: `/v1/${route}`, kind: 'openai', version: undefined },
  ] as const
  const form = forms.find(({ end }) => pathname.endsWith(end))
  if (!form || (form.version !== undefined && !isApiVersion(form.version))) return undefined
  const endpoint = `${origin}${pathname.slice(0, -form.end.length)}`
  return isAddress(endpoint) ? { ...form, endpoint: plainAddress(endpoint) } : undefined
}
