import { countOf, formatNumber, roundTo, printable, printableWithin } from '../lib/format-text.ts'
import { relative } from 'node:path'
import type { Simulator } from '../server/simulator.ts'
import { defaultResourceName, type ResourceConfig, type ResourceView } from '../config/config.ts'
import type { Deployment } from '../config/deployments.ts'
import { typicalMs } from '../config/distribution.ts'
import { sourceOf, sourceTraits, writesRecordings } from '../config/source-names.ts'
import { timingOf } from '../latency/timing.ts'
import { isLimited } from '../pipeline/source-rules.ts'
import { readCertificate } from '../config/tls-settings.ts'
import { readRegularText } from '../lib/regular-file.ts'
import type { CliHost } from './cli-host.ts'

/** Input of the banner. */
export interface BannerOptions {
  readonly simulator: Simulator
  readonly url: string
  /** Number of worker processes; 1 is not shown. */
  readonly workers: number
  /** Whether a configured key may be shown. A generated key is always shown. */
  readonly showsKey: boolean
  /** Paths are shown relative to this folder. */
  readonly workingDirectory: string
}

/** Width of a default terminal, in columns. */
const MAX_WIDTH = 80
const MAX_DEPLOYMENTS = 5
/** Maximum number of resources, and of deployments if several sources have lines as well. */
const MAX_SHORT_LIST = 3
const LABEL_WIDTH = 15
/** Maximum length of a deployment's name, so that limits and latency fit on the same line. */
const MAX_NAME_LENGTH = 23

type Row = readonly [label: string, ...lines: readonly string[]]

/**
 * Renders the text that is printed after the start: addresses, keys, sources of the answers, and an example request that works in
 * any other terminal. Has at most 24 lines of 80 columns, unless names or addresses are longer.
 */
export async function renderBanner(options: BannerOptions): Promise<string> {
  const { simulator, url, workers } = options
  const { defaultResource: config } = simulator.config
  const rows: readonly Row[] = [
    ['Endpoint', url],
    ['Control room', `${url}/++/`],
    ...keyRows(simulator),
    ['Metrics', `${url}/metrics`],
    ...resourceRows(simulator),
    ...(workers > 1 ? [['Workers', `${workers} processes`] as const] : []),
    ...sourceRows(options),
  ]
  const lines = [
    `aoai-simulated-api runs in ${config.mode} mode.`,
    '',
    ...rows.flatMap(renderRow),
    '',
    'Try it:',
    '',
    ...(await exampleRequest(options)).map((line, index) => (index === 0 ? `  ${line}` : line)),
    '',
    '',
  ]
  return lines.join('\n')
}

function keyRows(simulator: Simulator): Row[] {
  const { apiKey, adminApiKey, apiKeyGenerated } = simulator.config.defaultResource
  const shown = apiKeyGenerated ? apiKey : asSet(simulator, 'SIMULATOR_API_KEY')
  if (adminApiKey === apiKey) return [['API key', `${shown} (also the admin key)`]]
  return [
    ['API key', shown],
    ['Admin key', asSet(simulator, 'ADMIN_API_KEY')],
  ]
}

/** Tells where a key was set: in the configuration file with its path there, else by its variable. */
function asSet({ live }: Simulator, variable: string): string {
  const given = live.inputs.given.find(({ setting }) => setting.env === variable)
  return `(as set in ${given?.source.includes(': ') === true ? printable(given.source) : variable})`
}

/**
 * Returns whether the banner may show a configured key: only on a terminal, and not in a container. The terminal output of the
 * first process of a container, or of one of its children, ends up in the container's log.
 */
export function mayShowKey({ stdout }: Pick<CliHost, 'stdout'>, { pid, ppid } = process): boolean {
  return stdout.isTTY === true && pid !== 1 && ppid !== 1
}

function renderRow([label, ...lines]: Row): string[] {
  return lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(LABEL_WIDTH - 2)}${line}`)
}

/** The resources other than the default one. All other rows describe the default one. */
function resourceRows({ config }: Simulator): Row[] {
  const names = [...config.resources.keys()].filter((name) => name !== defaultResourceName)
  if (names.length === 0) return []
  const shown = names.slice(0, MAX_SHORT_LIST).map((name) => printableWithin(name, MAX_NAME_LENGTH))
  const more = names.length - shown.length
  return [
    ['Resources', ...shown.map((name) => `/${name}/openai/...`), ...(more > 0 ? [`and ${more} more`] : [])],
  ]
}

/** Sources of the answers: that of the mode, and those that deployments name. */
function sourceRows({ simulator, workingDirectory }: BannerOptions): Row[] {
  const { defaultResource: config } = simulator.config
  const { mode, sources, missActions, recordings } = config
  const rows: Row[] = []
  if (sources.length > 1 || mode === 'generate') rows.push(['Deployments', ...describeDeployments(config)])
  const upstreamRow = upstreamRows(config)
  if (sources.some((source) => sourceTraits[source].asksUpstream)) rows.push(...upstreamRow)
  const folder = printable(relative(workingDirectory, recordings.dir) || '.')
  if (sources.includes('replay')) {
    const { interactions = 0, files = 0 } = simulator.recordings[0]?.replay?.loaded ?? {}
    const onMiss = {
      error: '404 with the nearest recording (REPLAY_ON_MISS=error)',
      generate: 'a generated answer (REPLAY_ON_MISS=generate)',
      record: 'forwarded and recorded (REPLAY_ON_MISS=record)',
      forward: 'forwarded (REPLAY_ON_MISS=forward)',
    }[recordings.replay.onMiss]
    rows.push(['Recordings', `${countOf(interactions, 'request')} in ${countOf(files, 'file')} of ${folder}`])
    if (mode === 'replay') rows.push(['On a miss', onMiss])
    const asksOnMiss = writesRecordings(config) || missActions.includes('forward')
    if (asksOnMiss && rows.every(([label]) => label !== 'Upstream')) rows.push(...upstreamRow)
  } else if (sources.includes('record')) {
    const written = recordings.autosave ? 'written immediately' : 'written at the end'
    rows.push(['Recordings', `${folder} (${written})`])
  }
  return rows
}

/** The upstream of the resource, and those that its deployments name. */
function upstreamRows({ upstream, upstreams, deployments }: ResourceView): Row[] {
  const names = new Set(Array.from(deployments.values(), ({ to }) => to?.upstream))
  const named = [...upstreams.values()].filter(({ name }) => names.has(name))
  const all = upstream && named.every(({ name }) => name !== upstream.name) ? [upstream, ...named] : named
  if (all.length === 0) return []
  const shown = all.slice(0, MAX_SHORT_LIST).map(({ name, endpoint }) => {
    const address = printable(endpoint)
    return all.length === 1 ? address : printableWithin(`${name}  ${address}`, MAX_WIDTH - LABEL_WIDTH)
  })
  const more = all.length - shown.length
  return [['Upstream', ...shown, ...(more > 0 ? [`and ${more} more: GET /++/upstreams`] : [])]]
}

function describeDeployments(config: ResourceConfig): string[] {
  const all = [...config.deployments.values()]
  const shown = all.slice(0, config.sources.length > 1 ? MAX_SHORT_LIST : MAX_DEPLOYMENTS)
  const names = shown.map(({ name, model, to }) => {
    const target = to ? `${to.upstream}${to.name === undefined ? '' : `/${to.name}`}` : model.name
    const whole = name === target ? name : `${name} (${target})`
    return printableWithin(whole.length > MAX_NAME_LENGTH ? name : whole, MAX_NAME_LENGTH)
  })
  const width = Math.max(0, ...names.map(({ length }) => length))
  const lines = shown.map((deployment, index) =>
    printableWithin(
      `${(names[index] ?? '').padEnd(width)}  ${describeDeployment(deployment, config)}`,
      MAX_WIDTH - LABEL_WIDTH,
    ),
  )
  const more = all.length - shown.length
  if (more > 0) lines.push(`and ${more} more: GET /++/deployments`)
  if (config.allowUndefinedDeployments) lines.push('and any other name, without limits')
  return lines.length > 0 ? lines : ['none']
}

function describeDeployment(deployment: Deployment, config: ResourceConfig): string {
  const { latency } = config
  const source = sourceOf(deployment, config)
  const { tokensPerMinute, requestsPerMinute, provisionedThroughputUnits, model } = deployment
  const { inputTokensPerMinute, outputTokensPerMinute } = deployment
  const limits = [
    provisionedThroughputUnits !== undefined && `${short(provisionedThroughputUnits)} PTU`,
    tokensPerMinute !== undefined && `${short(tokensPerMinute)} TPM`,
    inputTokensPerMinute !== undefined && `${short(inputTokensPerMinute)} ITPM`,
    outputTokensPerMinute !== undefined && `${short(outputTokensPerMinute)} OTPM`,
    requestsPerMinute !== undefined && `${short(requestsPerMinute)} RPM`,
  ].filter((limit) => limit !== false && isLimited(deployment, config))
  if (limits.length === 0) limits.push('no limits')
  return [
    ...limits,
    source === 'generate'
      ? describeLatency(timingOf(model.operations[0], deployment, latency), latency.timeScale)
      : sourceTraits[source].answers,
  ].join(', ')
}

function describeLatency(timing: ReturnType<typeof timingOf>, timeScale: number): string {
  if (timeScale === 0 || !timing) return 'no latency'
  const typical = (distribution: Parameters<typeof typicalMs>[0]): string => {
    const ms = typicalMs(distribution) * timeScale
    return formatNumber(roundTo(ms, ms < 10 ? 1 : 0))
  }
  if (timing.kind === 'request') return `${typical(timing.perRequest)} ms${timing.perMegabyte ? '/MB' : ''}`
  const first = typicalMs(timing.firstToken) === 0 ? '' : `${typical(timing.firstToken)} ms + `
  return `${first}${typical(timing.perToken)} ms/token`
}

/** Shortens a number without rounding it: 450K, 2M, 2,700. */
function short(count: number): string {
  if (count % 1_000_000 === 0) return `${count / 1_000_000}M`
  return count % 1_000 === 0 && count < 1_000_000 ? `${count / 1_000}K` : formatNumber(count)
}

/** A request in the form that is typed into a shell. */
interface ShellRequest {
  readonly target: string
  readonly contentType?: string | undefined
  /** Quoted for the shell. */
  readonly data?: string | undefined
  readonly method?: string | undefined
}

async function exampleRequest(options: BannerOptions): Promise<string[]> {
  const { simulator, url, showsKey } = options
  const { defaultResource: config } = simulator.config
  const { target, contentType, data, method } = await chooseRequest(simulator)
  // If the variable is not set in that terminal, the shell reports it instead of sending a request that gets 401.
  const key =
    config.apiKeyGenerated || showsKey
      ? shellWord(`api-key: ${config.apiKey}`)
      : '"api-key: ${SIMULATOR_API_KEY:?set it to the key}"'
  const methodFlag = method === undefined ? '' : `-X ${method} `
  const words = [
    `curl ${methodFlag}${inPieces(url + target, MAX_WIDTH - 12)}`,
    `    -H ${key}`,
    ...trustFlags(simulator),
    ...(contentType === undefined ? [] : [`    -H ${shellWord(`content-type: ${contentType}`)}`]),
    ...(data === undefined ? [] : [`    -d ${data}`]),
  ]
  return words
    .map((word, index) => (index === words.length - 1 ? word : `${word} \\`))
    .flatMap((word) => word.split('\n'))
}

/** The flag with which curl trusts a self-signed certificate. */
function trustFlags({ config: { tls } }: Simulator): string[] {
  if (!tls) return []
  const read = readCertificate(tls, readRegularText)
  if ('problems' in read) return []
  const { leaf } = read.certificate
  return leaf.subject === leaf.issuer ? [`    --cacert ${shellWord(tls.certPath)}`] : []
}

async function chooseRequest(simulator: Simulator): Promise<ShellRequest> {
  const { defaultResource: config } = simulator.config
  const { mode, upstream } = config
  if (sourceTraits[mode].asksUpstream && upstream) return upstreamRequest(upstream.endpoint)
  const recorded = mode === 'replay' ? await simulator.recordings[0]?.replay?.example() : undefined
  if (recorded) {
    const { path, query, contentType, body, method } = recorded
    return {
      target: query === '' ? path : `${path}?${query}`,
      contentType,
      data: body === '' ? undefined : inPieces(body, MAX_WIDTH - 10),
      method: method === (body === '' ? 'GET' : 'POST') ? undefined : method,
    }
  }
  return generatedRequest(
    [...config.deployments.values()].filter((deployment) => sourceOf(deployment, config) === mode),
  )
}

function generatedRequest(deployments: readonly Deployment[]): ShellRequest {
  const chat = deployments.find(
    ({ model }) => model.operations.includes('chatCompletions') && !model.reasoning,
  )
  const name = JSON.stringify(chat?.name ?? 'gpt-4o-mini')
  const start = `{"model":${name},"max_tokens":20,`
  const rest = '"messages":[{"role":"user","content":"Hello"}]}'
  // The name makes the line too long: break the line at a fixed width.
  const isLong = name.length > MAX_NAME_LENGTH * 2
  const data = isLong ? inPieces(start + rest, MAX_WIDTH - 10) : shellWord(`${start}\n        ${rest}`)
  return { target: '/openai/v1/chat/completions', contentType: 'application/json', data }
}

/** Lists the models: every upstream supports this, independent of its deployments, at no cost. */
function upstreamRequest(endpoint: string): ShellRequest {
  const isAzure = !/(^|\.)openai\.com$/.test(new URL(endpoint).hostname)
  return { target: isAzure ? '/openai/models?api-version=2024-10-21' : '/v1/models' }
}

/** Quotes any text as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Quotes a text as `shellWord` does, in lines of about `width` columns, which the shell joins again. */
export function inPieces(text: string, width: number): string {
  const pieces = text.match(new RegExp(`[^]{1,${width}}`, 'gu')) ?? ['']
  return pieces.map(shellWord).join('\\\n')
}
