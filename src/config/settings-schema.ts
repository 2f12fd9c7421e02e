import { z } from 'zod'
import { latencySettings } from './latency-settings.ts'
import { limitProfileNames } from './deployment-limits.ts'
import { matchSettings, recordingSettings, replaySettings } from './recording-settings.ts'
import { serverSettings } from './server-settings.ts'
import { redisSettings } from './redis-settings.ts'
import { setting } from './setting.ts'
import { sourceNames } from './source-names.ts'
import { telemetrySettings } from './telemetry-settings.ts'
import { upstreamSettings } from './upstream-settings.ts'
import { integer, numberBetween, oneOf, pathList, text, type ValueKind, yesOrNo } from './value-kind.ts'
import type { PromptCategory } from '../wire/content-filters.ts'

/** A text that the content filter takes for harm of a category. */
export interface FilterPhrase<C extends PromptCategory = PromptCategory> {
  readonly category: C
  /** In lower case: it is looked for whatever the case of the request. */
  readonly phrase: string
}

/** The category of a phrase that names none. */
const defaultCategory = 'violence'

const rule = 'a text without ";", or {category, phrase} with such a phrase'

/**
 * Phrases of the content filter: texts with a category and a colon in front or without, or objects. In one text they are
 * separated by `;`. White space around a phrase does not count. Where a phrase holds a colon itself, a category has to be named.
 */
export function filterPhrases<const C extends PromptCategory>(
  categories: readonly C[],
): ValueKind<readonly FilterPhrase<C>[], readonly (string | FilterPhrase<C>)[]> {
  const given = z.union(
    [z.string(), z.strictObject({ category: z.enum(categories), phrase: z.string() })],
    rule,
  )
  const phrase = given.transform((item, context): FilterPhrase<C> => {
    const found = parsePhrase(phraseText(item), categories)
    if (found) return found
    context.addIssue({ code: 'custom', message: rule })
    return z.NEVER
  })
  const names = `${categories.slice(0, -1).join(', ')} or ${categories.at(-1) ?? ''}`
  return {
    schema: z.array(phrase).min(1),
    read: (text) => text.split(';').filter((entry) => entry.trim() !== ''),
    write: (items) => items.map(phraseText).join(';'),
    range: `phrases separated by ";", each with its category (${names}) and a colon in front; without one it is ${defaultCategory}`,
  }
}

function phraseText(item: string | FilterPhrase): string {
  return typeof item === 'string' ? item : `${item.category}: ${item.phrase}`
}

function parsePhrase<C extends PromptCategory>(
  entry: string,
  categories: readonly C[],
): FilterPhrase<C> | undefined {
  const colon = entry.indexOf(':')
  const word = colon === -1 ? defaultCategory : entry.slice(0, colon).trim().toLowerCase().replace('-', '_')
  const category = categories.find((known) => known === word)
  const phrase = entry.slice(colon + 1).trim()
  if (category === undefined || phrase === '' || phrase.includes(';')) return undefined
  return { category, phrase: phrase.toLowerCase() }
}

const harmCategories = ['hate', 'self_harm', 'sexual', 'violence'] as const

/**
 * Every setting, with its name, default, range, unit and description. Flags, environment and later changes are all
 * checked by it, and the documents are made from it. Paths are those of `Config`.
 */
export const settingsSchema = z.strictObject({
  mode: setting(oneOf(sourceNames), {
    env: 'SIMULATOR_MODE',
    patch: 'simulator_mode',
    group: 'Simulation',
    default: 'generate',
    description:
      'What answers requests: generate makes answers up, record forwards to a real service and records, replay answers from recordings, forward passes on to a real service. A deployment may name another one as its source (docs/recording.md).',
  }),
  recordings: z.strictObject({
    ...recordingSettings,
    match: z.strictObject(matchSettings),
    replay: z.strictObject(replaySettings),
  }),
  upstream: z.strictObject(upstreamSettings),
  clock: setting(oneOf(['system', 'virtual']), {
    env: 'SIMULATOR_CLOCK',
    group: 'Simulation',
    default: 'system',
    description:
      'Whose time counts: that of the machine, or a virtual one that stands still until POST /++/clock/advance moves it.',
  }),
  seed: setting(text(/./, 'text that is not empty'), {
    env: 'SIMULATOR_SEED',
    group: 'Simulation',
    unsetMeaning: 'a new one at each start',
    description: 'Makes generated answers and waiting times the same at each start.',
  }),
  region: setting(text(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/, 'a name in printable ASCII characters'), {
    env: 'SIMULATOR_REGION',
    patch: 'region',
    group: 'Simulation',
    default: 'East US 2',
    description: 'Display name of the Azure region, as headers and messages carry it.',
  }),
  completionLength: setting(oneOf(['exact', 'natural']), {
    env: 'COMPLETION_LENGTH',
    patch: 'completion_length',
    group: 'Simulation',
    default: 'exact',
    description:
      'exact: a completion is as long as the request allows, for load tests; natural: it may end before, as a model would.',
  }),
  toolCallProbability: setting(numberBetween(0, 1), {
    env: 'TOOL_CALL_PROBABILITY',
    patch: 'tool_call_probability',
    group: 'Simulation',
    default: 0.5,
    description:
      'Share of the answers that call a tool where the request leaves it to the model (tool_choice auto).',
  }),
  apiVersionCheck: setting(yesOrNo('on or off'), {
    env: 'API_VERSION_CHECK',
    patch: 'api_version_check',
    group: 'Simulation',
    default: 'on',
    description: 'Whether an api-version that the service does not know is refused.',
  }),
  extensionPath: setting(pathList('files, folders or installed packages'), {
    env: 'EXTENSION_PATH',
    group: 'Simulation',
    unsetMeaning: 'no extensions',
    description:
      'Extensions in JavaScript or TypeScript, in the order in which they act (docs/extensions.md); relative to the working directory.',
  }),
  tiktokenCacheDir: setting(text(/./, 'the path of a folder'), {
    env: 'TIKTOKEN_CACHE_DIR',
    group: 'Simulation',
    unsetMeaning: 'the encodings that come with the program',
    description:
      'Folder with the files of encodings as tiktoken keeps them (docs/offline.md); relative to the working directory.',
  }),
  apiKey: setting(accessKey(), {
    env: 'SIMULATOR_API_KEY',
    group: 'Access',
    unsetMeaning: '32 random characters, new at each start',
    secret: true,
    description:
      'The key that callers send as api-key or as bearer token. Other users can read flags: prefer the variable.',
  }),
  adminApiKey: setting(accessKey(), {
    env: 'ADMIN_API_KEY',
    group: 'Access',
    unsetMeaning: 'SIMULATOR_API_KEY opens both',
    secret: true,
    description:
      'The key of the administration under /++/, where it is to be another one than that of callers: neither opens what the other does (docs/admin.md).',
  }),
  metricsAuth: setting(oneOf(['none', 'key']), {
    env: 'METRICS_AUTH',
    group: 'Access',
    default: 'none',
    description:
      'Whether GET /metrics asks for the key of the administration, as api-key or as bearer token (docs/monitoring.md).',
  }),
  ...serverSettings,
  deploymentConfigPath: setting(text(/./, 'the path of a file'), {
    env: 'OPENAI_DEPLOYMENT_CONFIG_PATH',
    group: 'Deployments',
    unsetMeaning: 'the default set',
    description: 'JSON or YAML file with the deployments; relative to the working directory.',
  }),
  modelCataloguePath: setting(text(/./, 'the path of a file'), {
    env: 'MODEL_CATALOGUE_PATH',
    group: 'Deployments',
    unsetMeaning: 'the built-in models alone',
    description:
      'JSON or YAML file of models, new ones or changes of known ones (docs/models.md); relative to the working directory.',
  }),
  modelsStrict: setting(yesOrNo('true or false'), {
    env: 'MODELS_STRICT',
    group: 'Deployments',
    default: false,
    description:
      'Whether a model that the simulator does not know is a problem. Else it is treated as the nearest known one, and the log says as which.',
  }),
  allowUndefinedDeployments: setting(yesOrNo('true or false'), {
    env: 'ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS',
    patch: 'allow_undefined_openai_deployments',
    group: 'Deployments',
    default: true,
    description: 'Whether requests to other deployments than those are answered.',
  }),
  limitProfile: setting(oneOf(limitProfileNames), {
    env: 'LIMIT_PROFILE',
    patch: 'limit_profile',
    group: 'Deployments',
    default: '2026-08',
    description:
      'The era of the service whose limiter and rate-limit headers deployments have (docs/limits.md).',
  }),
  utilizationHeader: setting(yesOrNo('on or off'), {
    env: 'PTU_UTILIZATION_HEADER',
    patch: 'utilization_header',
    group: 'Deployments',
    default: 'on',
    description:
      'Whether provisioned deployments tell their utilisation in azure-openai-deployment-utilization; the service has been seen with and without it.',
  }),
  contentFilter: z.strictObject({
    prompt: setting(filterPhrases([...harmCategories, 'jailbreak']), {
      env: 'CONTENT_FILTER_PROMPT',
      patch: 'content_filter.prompt',
      group: 'Content filter',
      unsetMeaning: 'no refusals',
      description: 'A request with one of these phrases is refused: 400, code content_filter.',
    }),
    completion: setting(filterPhrases(harmCategories), {
      env: 'CONTENT_FILTER_COMPLETION',
      patch: 'content_filter.completion',
      group: 'Content filter',
      unsetMeaning: 'no blocked answers',
      description:
        'The answer to a request with one of these phrases is blocked: finish_reason content_filter.',
    }),
    late: setting(filterPhrases(harmCategories), {
      env: 'CONTENT_FILTER_LATE',
      patch: 'content_filter.late',
      group: 'Content filter',
      unsetMeaning: 'no streams cut short',
      description:
        'The stream that answers a request with one of these phrases is cut short, as by the asynchronous filter.',
    }),
  }),
  latency: z.strictObject(latencySettings),
  faultsPath: setting(text(/./, 'the path of a file'), {
    env: 'FAULTS_PATH',
    group: 'Faults',
    unsetMeaning: 'no faults but those of the deployment file',
    description:
      'JSON or YAML file of faults over all deployments (docs/faults.md); relative to the working directory.',
  }),
  incidentsPath: setting(text(/./, 'the path of a file'), {
    env: 'INCIDENTS_PATH',
    group: 'Faults',
    unsetMeaning: 'no incidents but those that are started later',
    description:
      'JSON or YAML file with a timetable of incidents, which begins with the simulator (docs/incidents.md); relative to the working directory.',
  }),
  simHeaders: setting(yesOrNo('on or off'), {
    env: 'SIM_HEADERS',
    patch: 'sim_headers',
    group: 'Faults',
    default: 'on',
    description:
      'Whether a request may ask for a fault, a delay or a length with headers that begin with x-sim- (docs/faults.md).',
  }),
  journalSize: setting(integer(0, 1_000_000), {
    env: 'JOURNAL_SIZE',
    group: 'Journal',
    default: 0,
    unit: 'requests',
    description:
      'How many requests are kept for GET /++/requests; 0 keeps none and judges no retries (docs/retries.md).',
  }),
  redis: z.strictObject(redisSettings),
  telemetry: z.strictObject(telemetrySettings),
})

function accessKey(): ValueKind<string> {
  return text(/^[\x21-\x7e]+$/, 'visible ASCII characters without spaces, as a header carries them')
}

/** The values of settings as they are checked, without the defaults. */
export type SettingsInput = z.input<typeof settingsSchema>

/** The checked values of all settings. */
export type Settings = z.output<typeof settingsSchema>

const otherHostKeys = [
  'clock',
  'seed',
  'extensionPath',
  'tiktokenCacheDir',
  'adminApiKey',
  'metricsAuth',
  'journalSize',
  'redis',
  'telemetry',
] as const

/** The first key of a setting of the host. */
export type HostKey = (typeof otherHostKeys)[number] | keyof typeof serverSettings

/** The first keys of the settings of the host; the others are those of a resource. */
export const hostKeys: ReadonlySet<string> = new Set([...otherHostKeys, ...Object.keys(serverSettings)])
