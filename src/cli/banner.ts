import { countOf, formatNumber, roundTo, printable, printableWithin } from '../lib/format-text.ts'
import { relative } from 'node:path'
import type { Simulator } from '../server/simulator.ts'
import { defaultResourceName, type ResourceConfig } from '../config/config.ts'
import type { Deployment } from '../config/deployments.ts'
import { typicalMs } from '../config/distribution.ts'
import { sourceOf, sourceTraits, writesRecordings } from '../config/source-names.ts'
import { timingOf } from '../latency/timing.ts'
import { isLimited } from '../pipeline/source-rules.ts'
import type { CliHost } from './cli-host.ts'

/** What the banner is made from. */
export interface BannerOptions {
  readonly simulator: Simulator
  readonly url: string
  /** How many processes answer; 1 is not told. */
  readonly workers: number
  /** Whether a key that somebody has set may be shown. */
  readonly showsKey: boolean
  /** What paths are shown from. */
  readonly workingDirectory: string
}

/** The width of the smallest terminal that people have. */
const MAX_WIDTH = 80
/** So many deployments are shown. */
const MAX_DEPLOYMENTS = 5
/** And so many where several sources answer, which take lines as well. */
const MAX_OF_MANY = 3
const LABEL_WIDTH = 15
/** Beside it there is room for limits and waits. */
const MAX_NAME_LENGTH = 23

type Row = readonly [label: string, ...lines: readonly string[]]

/**
 * What whoever starts it needs to see: where it is, how to get in, what answers, and a request that works in any other
 * terminal. At most 24 lines of 80 columns, unless names or addresses are longer.
 */
export async function renderBanner(parts: BannerOptions): Promise<string> {
  const { simulator, url, workers } = parts
  const { defaultResource: config } = simulator.config
  const rows: readonly Row[] = [
    ['Endpoint', url],
    ['API key', config.apiKeyGenerated ? config.apiKey : '(as set in SIMULATOR_API_KEY)'],
    ['Admin key', config.adminApiKey === config.apiKey ? 'the API key' : '(as set in ADMIN_API_KEY)'],
    ['Metrics', `${url}/metrics`],
    ...resourceRows(simulator),
    ...(workers > 1 ? [['Workers', `${workers} processes`] as const] : []),
    ...sourceRows(parts),
  ]
  const lines = [
    `aoai-simulated-api runs in ${config.mode} mode.`,
    '',
    ...rows.flatMap(renderRow),
    '',
    'Try it:',
    '',
    ...(await exampleRequest(parts)).map((line, index) => (index === 0 ? `  ${line}` : line)),
    '',
    '',
  ]
  return lines.join('\n')
}

/**
 * Whether the banner may show the key that somebody has set: on a terminal of theirs. What the first process of a container, or
 * one that it has started, shows on a terminal is kept in the log of the container.
 */
export function mayShowKey({ stdout }: Pick<CliHost, 'stdout'>, { pid, ppid } = process): boolean {
  return stdout.isTTY === true && pid !== 1 && ppid !== 1
}

function renderRow([label, ...lines]: Row): string[] {
  return lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(LABEL_WIDTH - 2)}${line}`)
}

/** The resources beside the default one, to which all else belongs. */
function resourceRows({ config }: Simulator): Row[] {
  const names = [...config.resources.keys()].filter((name) => name !== defaultResourceName)
  if (names.length === 0) return []
  const shown = names.slice(0, MAX_OF_MANY).map((name) => printableWithin(name, MAX_NAME_LENGTH))
  const more = names.length - shown.length
  return [
    ['Resources', ...shown.map((name) => `/${name}/openai/...`), ...(more > 0 ? [`and ${more} more`] : [])],
  ]
}

/** What answers: the mode's part, and that of the sources that deployments name. */
function sourceRows({ simulator, workingDirectory }: BannerOptions): Row[] {
  const { defaultResource: config } = simulator.config
  const { mode, sources, recordings, upstream } = config
  const rows: Row[] = []
  if (sources.length > 1 || mode === 'generate') rows.push(['Deployments', ...describeDeployments(config)])
  const upstreamRow: Row[] = upstream ? [['Upstream', printable(upstream.endpoint)]] : []
  if (sources.some((source) => sourceTraits[source].asksUpstream)) rows.push(...upstreamRow)
  const folder = printable(relative(workingDirectory, recordings.dir) || '.')
  if (sources.includes('replay')) {
    const { interactions = 0, files = 0 } = simulator.recordings[0]?.replay?.loaded ?? {}
    const onMiss = {
      error: '404 with the nearest recording (REPLAY_ON_MISS=error)',
      generate: 'a generated answer (REPLAY_ON_MISS=generate)',
      record: 'asked of the upstream and recorded (REPLAY_ON_MISS=record)',
    }[recordings.replay.onMiss]
    rows.push(['Recordings', `${countOf(interactions, 'request')} in ${countOf(files, 'file')} of ${folder}`])
    if (mode === 'replay') rows.push(['On a miss', onMiss])
    if (writesRecordings(config) && rows.every(([label]) => label !== 'Upstream')) rows.push(...upstreamRow)
  } else if (sources.includes('record')) {
    const written = recordings.autosave ? 'written at once' : 'written at the end'
    rows.push(['Recordings', `${folder} (${written})`])
  }
  return rows
}

function describeDeployments(config: ResourceConfig): string[] {
  const all = [...config.deployments.values()]
  const shown = all.slice(0, config.sources.length > 1 ? MAX_OF_MANY : MAX_DEPLOYMENTS)
  const names = shown.map(({ name, model }) => {
    const whole = name === model.name ? name : `${name} (${model.name})`
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
  const limits = [
    provisionedThroughputUnits !== undefined && `${short(provisionedThroughputUnits)} PTU`,
    tokensPerMinute !== undefined && `${short(tokensPerMinute)} TPM`,
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

/** A number in few characters, and exact: 450K, 2M, 2,700. */
function short(count: number): string {
  if (count % 1_000_000 === 0) return `${count / 1_000_000}M`
  return count % 1_000 === 0 && count < 1_000_000 ? `${count / 1_000}K` : formatNumber(count)
}

/** A request as it is typed into a shell. */
interface ShellRequest {
  readonly target: string
  readonly contentType?: string | undefined
  /** As it stands in the command, quoted. */
  readonly data?: string | undefined
  readonly method?: string | undefined
}

async function exampleRequest(parts: BannerOptions): Promise<string[]> {
  const { simulator, url, showsKey } = parts
  const { defaultResource: config } = simulator.config
  const { target, contentType, data, method } = await chooseRequest(simulator)
  // A variable that is not set in that terminal says so, in the place of a 401.
  const key =
    config.apiKeyGenerated || showsKey
      ? shellWord(`api-key: ${config.apiKey}`)
      : '"api-key: ${SIMULATOR_API_KEY:?set it to the key}"'
  const asked = method === undefined ? '' : `-X ${method} `
  const words = [
    `curl ${asked}${inPieces(url + target, MAX_WIDTH - 12)}`,
    `    -H ${key}`,
    ...(contentType === undefined ? [] : [`    -H ${shellWord(`content-type: ${contentType}`)}`]),
    ...(data === undefined ? [] : [`    -d ${data}`]),
  ]
  return words
    .map((word, index) => (index === words.length - 1 ? word : `${word} \\`))
    .flatMap((word) => word.split('\n'))
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
  // A long name is broken anywhere.
  const isLong = name.length > MAX_NAME_LENGTH * 2
  const data = isLong ? inPieces(start + rest, MAX_WIDTH - 10) : shellWord(`${start}\n        ${rest}`)
  return { target: '/openai/v1/chat/completions', contentType: 'application/json', data }
}

/** The list of models: every upstream has one, whatever its deployments are, and it costs nothing. */
function upstreamRequest(endpoint: string): ShellRequest {
  const isAzure = !/(^|\.)openai\.com$/.test(new URL(endpoint).hostname)
  return { target: isAzure ? '/openai/models?api-version=2024-10-21' : '/v1/models' }
}

/** Text as one word of a POSIX shell, whatever stands in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** The same in lines of about `width` columns, which the shell joins again. */
export function inPieces(text: string, width: number): string {
  const pieces = text.match(new RegExp(`[^]{1,${width}}`, 'gu')) ?? ['']
  return pieces.map(shellWord).join('\\\n')
}
