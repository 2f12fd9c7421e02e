import * as z from 'zod'
import { latencySettings } from './latency-profiles.ts'
import { limitProfileNames } from './deployments.ts'
import { matchSettings, recordingSettings, replaySettings } from './recording-settings.ts'
import { upstreamSettings } from './upstream-settings.ts'
import { entraSettings } from './access-settings.ts'
import { modelMap } from './model-mapper.ts'
import { serverSettings } from './server-settings.ts'
import { redisSettings } from './redis-settings.ts'
import {
  setting,
  integer,
  integersOr,
  numberBetween,
  oneOf,
  pathList,
  text,
  type ValueKind,
  yesOrNo,
} from './setting.ts'
import { sourceNames } from './source-names.ts'
import { telemetrySettings } from './telemetry-settings.ts'
import type { PromptCategory } from '../wire/content-filters.ts'
import { wireProfileNames } from '../wire/wire-profile.ts'

/** A text that the content filter treats as harm of a category. */
export interface FilterPhrase<C extends PromptCategory = PromptCategory> {
  readonly category: C
  /** In lower case. The search ignores case. */
  readonly phrase: string
}

/** Category of a phrase without a category. */
const defaultCategory = 'violence'

const rule = 'text without ";", or {category, phrase} with such a phrase'

/**
 * Phrases of the content filter: objects, or texts with an optional category and a colon in front. In one text they are separated
 * by `;`. White space around a phrase is ignored. A phrase with a colon requires a category.
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
    range: `phrases such as "hate: some words", separated by ";", with the category ${names} (default ${defaultCategory})`,
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
 * All settings, with name, default, range, unit and description. It validates flags, environment and changes at run time, and the
 * documentation is generated from it. Paths are those of `Config`.
 */
export const settingsSchema = z.strictObject({
  config: setting(text(/./, 'the path of a file'), {
    env: 'SIMULATOR_CONFIG',
    group: 'Simulation',
    unsetMeaning: 'none',
    description:
      'JSON or YAML file with the whole configuration: settings, upstreams, deployments, resources, faults and incidents.',
  }),
  mode: setting(oneOf(sourceNames), {
    env: 'SIMULATOR_MODE',
    patch: 'simulator_mode',
    group: 'Simulation',
    default: 'generate',
    description:
      'Source of answers: generate creates them, record forwards to a real service and records, replay uses recordings, forward only forwards (docs/recording.md).',
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
    description: 'Clock source: system, or virtual, which advances only through POST /++/clock/advance.',
  }),
  seed: setting(text(/./, 'text that is not empty'), {
    env: 'SIMULATOR_SEED',
    group: 'Simulation',
    unsetMeaning: 'random at each start',
    description: 'Seed for answers and latency: the same seed gives the same results at each start.',
  }),
  region: setting(text(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/, 'a name in printable ASCII characters'), {
    env: 'SIMULATOR_REGION',
    patch: 'region',
    group: 'Simulation',
    default: 'East US 2',
    description: 'Name of the Azure region in headers and messages.',
  }),
  completionLength: setting(oneOf(['exact', 'natural']), {
    env: 'COMPLETION_LENGTH',
    patch: 'completion_length',
    group: 'Simulation',
    default: 'exact',
    description: 'Length of completions: exact uses all allowed tokens, natural may stop earlier.',
  }),
  toolCallProbability: setting(numberBetween(0, 1), {
    env: 'TOOL_CALL_PROBABILITY',
    patch: 'tool_call_probability',
    group: 'Simulation',
    default: 0.5,
    description: 'Share of answers that call a tool when tool_choice is auto.',
  }),
  wireProfile: setting(oneOf(wireProfileNames), {
    env: 'WIRE_PROFILE',
    patch: 'wire_profile',
    group: 'Simulation',
    default: '2026-09',
    description: 'Version of the form of answers and headers, by month (docs/wire-profiles.md).',
  }),
  toolCallsPerAnswer: setting(integersOr('auto', 1, 32), {
    env: 'TOOL_CALLS_PER_ANSWER',
    patch: 'tool_calls_per_answer',
    group: 'Simulation',
    default: 'auto',
    description:
      'Calls of an answer with calls. Of a list, each answer draws one number: 1,1,1,2. auto: one, sometimes more with several tools.',
  }),
  toolCallRounds: setting(integer(1, 1_000), {
    env: 'TOOL_CALL_ROUNDS',
    patch: 'tool_call_rounds',
    group: 'Simulation',
    default: 1,
    description: 'Answers with calls before the text, counted from the last message of the user.',
  }),
  apiVersionCheck: setting(yesOrNo('on or off'), {
    env: 'API_VERSION_CHECK',
    patch: 'api_version_check',
    group: 'Simulation',
    default: 'on',
    description: 'Reject an api-version that the service does not support.',
  }),
  encryptedContentCheck: setting(yesOrNo('on or off'), {
    env: 'ENCRYPTED_CONTENT_CHECK',
    patch: 'encrypted_content_check',
    group: 'Simulation',
    default: 'on',
    description:
      'Reject encrypted content of the Responses API that another service or resource has issued. Off accepts any.',
  }),
  extensionPath: setting(pathList('files, folders or installed packages'), {
    env: 'EXTENSION_PATH',
    group: 'Simulation',
    unsetMeaning: 'no extensions',
    description: 'Extensions in the order in which they run (docs/extensions.md).',
  }),
  tiktokenCacheDir: setting(text(/./, 'the path of a folder'), {
    env: 'TIKTOKEN_CACHE_DIR',
    group: 'Simulation',
    unsetMeaning: 'the bundled encodings',
    description: 'Folder with encoding files of a tiktoken cache (docs/offline.md).',
  }),
  apiKey: setting(accessKey(), {
    env: 'SIMULATOR_API_KEY',
    group: 'Access',
    unsetMeaning: '32 random characters, new at each start',
    secret: true,
    description:
      'API key of clients (api-key or bearer token). Prefer the variable: other users can see flags.',
  }),
  adminApiKey: setting(accessKey(), {
    env: 'ADMIN_API_KEY',
    group: 'Access',
    unsetMeaning: 'same as SIMULATOR_API_KEY',
    secret: true,
    description:
      'Separate key for the admin API under /++/, which SIMULATOR_API_KEY then does not open (docs/admin.md).',
  }),
  metricsAuth: setting(oneOf(['none', 'key']), {
    env: 'METRICS_AUTH',
    group: 'Access',
    default: 'none',
    description: 'Whether GET /metrics requires the admin key (docs/monitoring.md).',
  }),
  entra: z.strictObject(entraSettings),
  ...serverSettings,
  deploymentConfigPath: setting(text(/./, 'the path of a file'), {
    env: 'OPENAI_DEPLOYMENT_CONFIG_PATH',
    group: 'Deployments',
    unsetMeaning: 'the default set',
    description: 'JSON or YAML file with the deployments.',
  }),
  modelCataloguePath: setting(text(/./, 'the path of a file'), {
    env: 'MODEL_CATALOGUE_PATH',
    group: 'Deployments',
    unsetMeaning: 'built-in models only',
    description: 'JSON or YAML file that adds or changes models (docs/models.md).',
  }),
  modelsStrict: setting(yesOrNo('true or false'), {
    env: 'MODELS_STRICT',
    group: 'Deployments',
    default: false,
    description: 'Reject an unknown model. If false, the nearest known model is used and logged.',
  }),
  retiredModels: setting(oneOf(['warn', 'accept', 'refuse']), {
    env: 'RETIRED_MODELS',
    patch: 'retired_models',
    group: 'Deployments',
    default: 'warn',
    description:
      'Requests to models that the service has retired: warn answers them and logs a warning, accept answers them without a warning, refuse returns the error of the service.',
  }),
  modelMap: setting(modelMap(), {
    env: 'MODEL_MAP',
    patch: 'model_map',
    group: 'Deployments',
    unsetMeaning: 'only the built-in names',
    description:
      'Names of deployments for names of models in requests that are forwarded or recorded: gpt-4=my-gpt-4,gpt-4o=chat (docs/gateway.md).',
  }),
  allowUndefinedDeployments: setting(yesOrNo('true or false'), {
    env: 'ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS',
    patch: 'allow_undefined_openai_deployments',
    group: 'Deployments',
    default: true,
    description: 'Answer requests to unknown deployments.',
  }),
  limitProfile: setting(oneOf(limitProfileNames), {
    env: 'LIMIT_PROFILE',
    patch: 'limit_profile',
    group: 'Deployments',
    default: '2026-09',
    description: 'Version of the rate limiter, by month (docs/limits.md).',
  }),
  utilizationHeader: setting(yesOrNo('on or off'), {
    env: 'PTU_UTILIZATION_HEADER',
    patch: 'utilization_header',
    group: 'Deployments',
    default: 'on',
    description: 'Send azure-openai-deployment-utilization for provisioned deployments.',
  }),
  contentFilter: z.strictObject({
    prompt: setting(filterPhrases([...harmCategories, 'jailbreak']), {
      env: 'CONTENT_FILTER_PROMPT',
      patch: 'content_filter.prompt',
      group: 'Content filter',
      unsetMeaning: 'no prompt is rejected',
      description: 'A prompt with one of these phrases is rejected with 400 content_filter.',
    }),
    completion: setting(filterPhrases(harmCategories), {
      env: 'CONTENT_FILTER_COMPLETION',
      patch: 'content_filter.completion',
      group: 'Content filter',
      unsetMeaning: 'no completion is filtered',
      description: 'The completion for such a prompt is filtered: finish_reason content_filter.',
    }),
    late: setting(filterPhrases(harmCategories), {
      env: 'CONTENT_FILTER_LATE',
      patch: 'content_filter.late',
      group: 'Content filter',
      unsetMeaning: 'no stream is cut off',
      description: 'The stream for such a prompt is cut off, as by the asynchronous filter.',
    }),
  }),
  latency: z.strictObject(latencySettings),
  faultsPath: setting(text(/./, 'the path of a file'), {
    env: 'FAULTS_PATH',
    group: 'Faults',
    unsetMeaning: 'only the faults in the deployment file',
    description: 'JSON or YAML file with faults for all deployments (docs/faults.md).',
  }),
  incidentsPath: setting(text(/./, 'the path of a file'), {
    env: 'INCIDENTS_PATH',
    group: 'Faults',
    unsetMeaning: 'none at start',
    description: 'JSON or YAML file with a timetable that begins at start (docs/incidents.md).',
  }),
  simHeaders: setting(yesOrNo('on or off'), {
    env: 'SIM_HEADERS',
    patch: 'sim_headers',
    group: 'Faults',
    default: 'on',
    description: 'Allow x-sim- request headers (docs/faults.md).',
  }),
  journalSize: setting(integer(0, 1_000_000), {
    env: 'JOURNAL_SIZE',
    group: 'Journal',
    default: 0,
    unit: 'requests',
    description:
      'Requests kept for GET /++/requests. 0 turns off the journal and the retry report (docs/retries.md).',
  }),
  redis: z.strictObject(redisSettings),
  telemetry: z.strictObject(telemetrySettings),
})

function accessKey(): ValueKind<string> {
  return text(/^[\x21-\x7e]+$/, 'visible ASCII characters without spaces')
}

/** Values of settings before validation, without defaults. */
export type SettingsInput = z.input<typeof settingsSchema>

/** Validated values of all settings. */
export type Settings = z.output<typeof settingsSchema>

const otherHostKeys = [
  'config',
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

/** First key of the path of a host setting. */
export type HostKey = (typeof otherHostKeys)[number] | keyof typeof serverSettings

/** First keys of the paths of host settings. All others are settings of a resource. */
export const hostKeys: ReadonlySet<string> = new Set([...otherHostKeys, ...Object.keys(serverSettings)])
