import { parseEnv } from 'node:util'
import { shortText } from '../lib/error-text.ts'
import {
  ConfigDraft,
  type DraftMap,
  type Imported,
  isAddress,
  isApiVersion,
  isDeploymentName,
  plainAddress,
  variablePart,
} from './import-draft.ts'

/**
 * Converts the environment file of azure-oai-proxy (Go) or azure-oai-proxy-ts.
 *
 * @param text lines with NAME=value
 */
export function importProxyEnv(text: string): Imported {
  const env = parseEnv(text.replace(/^\uFEFF/, ''))
  return new ProxyEnv(env).convert()
}

const keyPrefix = 'AZURE_OPENAI_KEY_'
const defaultAddress = '0.0.0.0:11437'

/** The variables of the two proxies, with their defaults. */
const known: Readonly<Record<string, string>> = {
  AZURE_OPENAI_ENDPOINT: '',
  AZURE_OPENAI_API_KEY: '',
  AZURE_OPENAI_PROXY_ADDRESS: defaultAddress,
  AZURE_OPENAI_PROXY_MODE: 'azure',
  AZURE_OPENAI_APIVERSION: '2024-08-01-preview',
  AZURE_OPENAI_MODELS_APIVERSION: '2024-10-21',
  AZURE_OPENAI_RESPONSES_APIVERSION: '2024-08-01-preview',
  ANTHROPIC_APIVERSION: '2023-06-01',
  AZURE_OPENAI_MODEL_MAPPER: '',
  AZURE_OPENAI_ENDPOINT_MAP: '',
  AZURE_AI_STUDIO_DEPLOYMENTS: '',
  OPENAI_API_ENDPOINT: 'https://api.openai.com',
  DEBUG_LOG: '',
}

/** Names that the proxies map without AZURE_OPENAI_MODEL_MAPPER, where the deployment has another name than the model. */
const mappedByDefault: Readonly<Record<string, string>> = {
  'gpt-4': 'gpt-4-0613',
  'gpt-4-32k': 'gpt-4-32k-0613',
  'gpt-3.5-turbo': 'gpt-35-turbo-0613',
  'gpt-3.5-turbo-0301': 'gpt-35-turbo-0301',
  'gpt-3.5-turbo-0613': 'gpt-35-turbo-0613',
  'gpt-3.5-turbo-1106': 'gpt-35-turbo-1106',
  'gpt-3.5-turbo-0125': 'gpt-35-turbo-0125',
  'gpt-3.5-turbo-16k': 'gpt-35-turbo-16k-0613',
  'gpt-3.5-turbo-16k-0613': 'gpt-35-turbo-16k-0613',
  'gpt-3.5-turbo-instruct': 'gpt-35-turbo-instruct-0914',
  'gpt-3.5-turbo-instruct-0914': 'gpt-35-turbo-instruct-0914',
  'text-embedding-3-small': 'text-embedding-3-small-1',
  'text-embedding-3-large': 'text-embedding-3-large-1',
  'text-embedding-ada-002': 'text-embedding-ada-002-2',
  'dall-e-2': 'dall-e-2-2.0',
  'dall-e-3': 'dall-e-3-3.0',
  'babbage-002': 'babbage-002-1',
  'davinci-002': 'davinci-002-1',
  tts: 'tts-001',
  'tts-hd': 'tts-hd-001',
  whisper: 'whisper-001',
  'claude-opus-4-5': 'claude-opus-4.5',
  'claude-sonnet-4-5': 'claude-sonnet-4.5',
  'claude-haiku-4-5': 'claude-haiku-4.5',
  'claude-opus-4-1': 'claude-opus-4.1',
}

interface MappedEndpoint {
  readonly model: string
  readonly endpoint: string
  /** Secret. */
  readonly key: string | undefined
}

class ProxyEnv {
  readonly #env: Readonly<Record<string, string | undefined>>
  readonly #problems: string[] = []

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env
  }

  convert(): Imported {
    const isAzure = (this.#value('AZURE_OPENAI_PROXY_MODE') || 'azure').toLowerCase() === 'azure'
    const endpoints = isAzure ? this.#endpointMap() : []
    const serverless = isAzure ? this.#pairs('AZURE_AI_STUDIO_DEPLOYMENTS', 'model=Name:Region') : []
    const renamed = isAzure ? this.#mapper() : []
    const mapper = new Map([...Object.entries(mappedByDefault), ...renamed])
    const endpoint = this.#address(isAzure ? 'AZURE_OPENAI_ENDPOINT' : 'OPENAI_API_ENDPOINT')
    const draft = new ConfigDraft(this.#secrets(endpoints))
    if (
      isAzure &&
      this.#env['AZURE_OPENAI_ENDPOINT'] === undefined &&
      endpoints.length + serverless.length === 0
    )
      this.#problems.push(
        'AZURE_OPENAI_ENDPOINT is missing, and no other variable names a service. Give the .env of azure-oai-proxy or azure-oai-proxy-ts.',
      )
    this.#listen(draft.settings)
    draft.settings.set('api_key', draft.secret('SIMULATOR_API_KEY', this.#meaningOfClientKey(isAzure)))
    if (isAzure) this.#azure(draft, endpoint)
    else this.#openai(draft, endpoint)
    this.#serverless(draft, serverless)
    this.#mapped(draft, endpoints, mapper, new Map(serverless))
    const routed = new Set([...serverless.map(([model]) => model), ...endpoints.map(({ model }) => model)])
    if (isAzure && endpoint !== '')
      this.#renamed(
        draft,
        renamed.filter(([model]) => !routed.has(model)),
      )
    this.#rest(draft, isAzure)
    return { draft, problems: this.#problems }
  }

  /** Returns a value, with the references to other variables that Bun and Compose replace: `$NAME` and `${NAME}`. */
  #value(name: string): string {
    const text = this.#env[name] ?? ''
    return text.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (all, braced?: string, plain?: string) => {
      return this.#env[braced ?? plain ?? ''] ?? all
    })
  }

  #secrets(endpoints: readonly MappedEndpoint[]): string[] {
    const named = Object.entries(this.#env).filter(
      ([name]) => name === 'AZURE_OPENAI_API_KEY' || !(name in known) || name.startsWith(keyPrefix),
    )
    return [...named.map(([, value]) => value ?? ''), ...endpoints.map(({ key }) => key ?? '')]
  }

  #meaningOfClientKey(isAzure: boolean): string {
    return isAzure && this.#value('AZURE_OPENAI_API_KEY') !== ''
      ? 'the key that clients send to the gateway, which the proxy did not check'
      : 'the key that clients send, which the gateway checks and passes on'
  }

  #listen(settings: DraftMap): void {
    const name = 'AZURE_OPENAI_PROXY_ADDRESS'
    const address = this.#value(name) || defaultAddress
    const [, bracketed, plain, port = ''] =
      /^(?:(?:\[([\da-f:.%]+)\]|([^\s:[\]]*)):)?(\d+)$/i.exec(address) ?? []
    const number = Number(port)
    if (port === '' || number > 65_535)
      this.#problems.push(`${name} must be host:port, such as ${defaultAddress} (got ${shortText(address)}).`)
    settings.set('host', bracketed || plain || '0.0.0.0').set('port', number)
  }

  #azure(draft: ConfigDraft, endpoint: string): void {
    const { settings } = draft
    settings.set('simulator_mode', 'forward')
    if (endpoint === '') {
      // Without this upstream, a model that no variable names has no service.
      settings.set('allow_undefined_openai_deployments', false)
      return
    }
    settings.comment(
      'The names of deployments that the proxy had built in. Remove those that your resource does not have.',
    )
    const names = settings.map('model_map')
    for (const [model, deployment] of Object.entries(mappedByDefault)) names.set(model, deployment)
    const upstream = draft.upstreams.map('default').set('endpoint', endpoint).set('kind', 'azure')
    this.#credential(draft, upstream)
    this.#versions(draft, upstream)
  }

  #credential(draft: ConfigDraft, upstream: DraftMap): void {
    const name = 'AZURE_OPENAI_API_KEY'
    if (this.#value(name) === '') upstream.set('credential', 'caller')
    else upstream.set('key', draft.secret(name, 'the key of the service, as in the file'))
  }

  #versions(draft: ConfigDraft, upstream: DraftMap): void {
    const chat = this.#value('AZURE_OPENAI_APIVERSION')
    if (chat !== '' && !isApiVersion(chat))
      this.#problems.push(
        `AZURE_OPENAI_APIVERSION must be a date such as 2024-10-21 (got ${shortText(chat)}).`,
      )
    else if (chat !== '') {
      upstream.comment('The proxy preferred its own table of versions by model. "by-model" is such a table.')
      // The Responses API has no version under /openai/v1/.
      upstream.map('api_version').set('default', chat).set('responses', 'v1')
    }
    if (this.#value('AZURE_OPENAI_RESPONSES_APIVERSION') !== '')
      draft.lose(
        upstream,
        'AZURE_OPENAI_RESPONSES_APIVERSION',
        'the gateway calls /openai/v1/responses, which has no dated version.',
      )
  }

  #openai(draft: ConfigDraft, endpoint: string): void {
    draft.settings.set('simulator_mode', 'forward')
    draft.upstreams.map('default').set('endpoint', endpoint).set('kind', 'openai').set('credential', 'caller')
  }

  #mapped(
    draft: ConfigDraft,
    endpoints: readonly MappedEndpoint[],
    mapper: ReadonlyMap<string, string>,
    serverless: ReadonlyMap<string, string>,
  ): void {
    const names = new Map<string, string>()
    for (const { model, endpoint, key } of endpoints) {
      if (serverless.has(model)) {
        const why = 'AZURE_AI_STUDIO_DEPLOYMENTS has the model, which the proxy preferred.'
        draft.lose(draft.deployments, `${model} in AZURE_OPENAI_ENDPOINT_MAP`, why)
        continue
      }
      const service = JSON.stringify([endpoint, key])
      let name = names.get(service)
      if (name === undefined) {
        name = draft.upstreamName(new URL(endpoint).hostname.split('.')[0] ?? '')
        names.set(service, name)
        const upstream = draft.upstreams.map(name).set('endpoint', endpoint).set('kind', 'azure')
        if (key === undefined) this.#credential(draft, upstream)
        else
          upstream.set(
            'key',
            draft.secret(
              `GATEWAY_KEY_${variablePart(name)}`,
              `the key after the address of ${model} in AZURE_OPENAI_ENDPOINT_MAP`,
            ),
          )
        this.#versions(draft, upstream)
      }
      draft.deployments.map(model).set('upstream', `${name}/${deploymentOf(model, mapper)}`)
    }
  }

  /** Requests to other names are passed on without normalisation. */
  #renamed(draft: ConfigDraft, pairs: readonly (readonly [model: string, deployment: string])[]): void {
    draft.deployments.comment(
      'Add each model that needs changed requests, such as max_completion_tokens for max_tokens. Other names are passed on.',
    )
    for (const [model, deployment] of pairs)
      draft.deployments.map(model).set('upstream', `default/${deployment}`)
  }

  #serverless(draft: ConfigDraft, serverless: readonly (readonly [string, string])[]): void {
    for (const [model, target] of serverless) {
      const [, service = '', region = ''] = /^([\w.-]+):([\w-]+)$/.exec(target) ?? []
      if (service === '') {
        this.#problems.push(
          `AZURE_AI_STUDIO_DEPLOYMENTS must have Name:Region for ${shortText(model)}, such as Mistral-large:eastus2.`,
        )
        continue
      }
      const name = draft.upstreamName(service)
      const variable = `${keyPrefix}${model.toUpperCase()}`
      const meaning =
        this.#value(variable) === '' ? `the key of ${model}` : `the key of ${model}, as in the file`
      draft.upstreams
        .map(name)
        .set('endpoint', `https://${service}.${region}.models.ai.azure.com`)
        .set('kind', 'serverless')
        .set('key', draft.secret(variable, meaning))
      draft.deployments.map(model).set('upstream', `${name}/${model}`)
    }
  }

  /** Reports the variables without a counterpart. */
  #rest(draft: ConfigDraft, isAzure: boolean): void {
    const { settings } = draft
    const lose = (name: string, why: string): void => {
      if (this.#value(name) !== '') draft.lose(settings, name, why)
    }
    lose(
      'DEBUG_LOG',
      'the gateway never logs bodies. JOURNAL_SIZE keeps the last requests for GET /++/requests.',
    )
    if (this.#value('ANTHROPIC_APIVERSION') !== known['ANTHROPIC_APIVERSION'])
      lose('ANTHROPIC_APIVERSION', 'the gateway sends the version that it converts to.')
    if (isAzure) {
      lose('AZURE_OPENAI_MODELS_APIVERSION', 'the gateway lists the deployments of the file.')
      lose('OPENAI_API_ENDPOINT', 'AZURE_OPENAI_PROXY_MODE is azure, so the proxy did not use it.')
    } else {
      for (const name of Object.keys(known).filter((name) => name.startsWith('AZURE_')))
        if (!name.startsWith('AZURE_OPENAI_PROXY_'))
          lose(name, 'AZURE_OPENAI_PROXY_MODE is not azure, so the proxy did not use it.')
    }
    const others = Object.keys(this.#env).filter((name) => {
      const isKey = name.startsWith(keyPrefix)
      return /^(?:AZURE_(?:OPENAI|AI)_|ANTHROPIC_|OPENAI_)/.test(name) && !(name in known) && !isKey
    })
    for (const name of others) lose(name, 'it is not a variable of the proxies.')
    this.#unusedKeys(draft, isAzure)
  }

  #unusedKeys(draft: ConfigDraft, isAzure: boolean): void {
    const models = isAzure ? this.#pairs('AZURE_AI_STUDIO_DEPLOYMENTS', '') : []
    const used = new Set(models.map(([model]) => `${keyPrefix}${model.toUpperCase()}`))
    for (const name of Object.keys(this.#env))
      if (name.startsWith(keyPrefix) && !used.has(name))
        draft.lose(draft.settings, name, 'AZURE_AI_STUDIO_DEPLOYMENTS does not have its model.')
  }

  /** Returns an address, with a problem unless it is a plain one. Messages do not quote it, because it can contain a key. */
  #address(name: string): string {
    const text = this.#value(name) || (known[name] ?? '')
    if (text === '') return ''
    if (isAddress(text)) return plainAddress(text)
    this.#problems.push(
      `${name} must be an http or https address without a query or a password, such as https://my-resource.openai.azure.com.`,
    )
    return ''
  }

  #mapper(): (readonly [model: string, deployment: string])[] {
    return this.#pairs('AZURE_OPENAI_MODEL_MAPPER', 'model=deployment').filter(([model, deployment]) => {
      const isPlain = isDeploymentName(deployment) && !/[=,\s]/.test(`${model}${deployment}`)
      if (!isPlain)
        this.#problems.push(
          `AZURE_OPENAI_MODEL_MAPPER must have names without spaces for ${shortText(model)}.`,
        )
      return isPlain
    })
  }

  #endpointMap(): MappedEndpoint[] {
    const name = 'AZURE_OPENAI_ENDPOINT_MAP'
    return this.#pairs(name, 'model=address or model=address:key').flatMap(([model, target]) => {
      const [endpoint, key] = splitKey(target)
      if (isAddress(endpoint)) return [{ model, endpoint: plainAddress(endpoint), key }]
      this.#problems.push(
        `${name} must have an http or https address for ${shortText(model)}, such as https://my-east.openai.azure.com:key.`,
      )
      return []
    })
  }

  /** Returns the pairs of a list, without duplicates of a model in any case: the last one counts, as in the proxies. */
  #pairs(name: string, form: string): (readonly [model: string, value: string])[] {
    const pairs = new Map<string, string>()
    for (const [index, item] of this.#value(name).split(',').entries()) {
      const [, model = '', value = ''] = /^([^=]+)=(.+)$/s.exec(item.trim()) ?? []
      const key = model.trim().toLowerCase()
      if (item.trim() === '') continue
      if (value.trim() !== '' && isDeploymentName(key)) pairs.set(key, value.trim())
      else if (form !== '')
        this.#problems.push(`${name} must be a list of ${form}, separated by commas (see item ${index + 1}).`)
    }
    return [...pairs]
  }
}

/** Splits `address[:port][/][:key]`. A last part of at most five digits is a port. */
function splitKey(target: string): readonly [address: string, key: string | undefined] {
  const [, address = '', key] =
    /^(https?:\/\/(?:\[[^\]]*\]|[^:/]*)(?::\d{1,5}(?![^/:]))?[^:]*)(?::(.*))?$/is.exec(target) ?? []
  return key === undefined || key === '' ? [address, undefined] : [address, key]
}

/** Returns the deployment of a model: by its name, by its name without a date, or its name. */
function deploymentOf(model: string, mapper: ReadonlyMap<string, string>): string {
  const undated = model.replace(/-(?:\d{4}-\d{2}-\d{2}|\d{8})$/, '')
  return mapper.get(model) ?? mapper.get(undated) ?? model
}
