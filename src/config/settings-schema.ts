import { z } from 'zod'
import { filterPhrases } from './filter-phrases.ts'
import { latencyProfileChoices } from './latency-profiles.ts'
import { limitProfileNames } from './deployment-limits.ts'
import { matchSettings, recordingSettings, replaySettings } from './recording-settings.ts'
import { setting } from './setting.ts'
import { upstreamSettings } from './upstream-settings.ts'
import { integer, nonNegativeNumber, numberBetween, oneOf, text, yesOrNo } from './value-kind.ts'

const harmCategories = ['hate', 'self_harm', 'sexual', 'violence'] as const

/**
 * Every setting, with its name, default, range, unit and description. Flags, environment and later changes are all
 * checked by it, and the documents are made from it. Paths are those of `Config`.
 */
export const settingsSchema = z.strictObject({
  mode: z.strictObject({
    kind: setting(oneOf(['generate', 'record', 'replay']), {
      env: 'SIMULATOR_MODE',
      group: 'Simulation',
      default: 'generate',
      description:
        'Where answers come from: made up, or recorded from a real service, or replayed from recordings.',
    }),
    recordings: z.strictObject({
      ...recordingSettings,
      match: z.strictObject(matchSettings),
      replay: z.strictObject(replaySettings),
    }),
    upstream: z.strictObject(upstreamSettings),
  }),
  seed: setting(text(/./, 'text that is not empty'), {
    env: 'SIMULATOR_SEED',
    group: 'Simulation',
    whenUnset: 'a new one at each start',
    description: 'Makes generated answers and waiting times the same at each start.',
  }),
  region: setting(text(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/, 'a name in printable ASCII characters'), {
    env: 'SIMULATOR_REGION',
    group: 'Simulation',
    default: 'East US 2',
    description: 'Display name of the Azure region, as headers and messages carry it.',
  }),
  completionLength: setting(oneOf(['exact', 'natural']), {
    env: 'COMPLETION_LENGTH',
    group: 'Simulation',
    default: 'exact',
    description:
      'exact: a completion is as long as the request allows, for load tests; natural: it may end before, as a model would.',
  }),
  toolCallProbability: setting(numberBetween(0, 1), {
    env: 'TOOL_CALL_PROBABILITY',
    group: 'Simulation',
    default: 0.5,
    description:
      'Share of the answers that call a tool where the request leaves it to the model (tool_choice auto).',
  }),
  apiVersionCheck: setting(yesOrNo('on or off'), {
    env: 'API_VERSION_CHECK',
    group: 'Simulation',
    default: 'on',
    description: 'Whether an api-version that the service does not know is refused.',
  }),
  apiKey: setting(
    text(/^[\x21-\x7e]+$/, 'visible ASCII characters without spaces, as a header carries them'),
    {
      env: 'SIMULATOR_API_KEY',
      group: 'Access',
      whenUnset: '32 random characters, new at each start',
      secret: true,
      description:
        'The key that callers send as api-key or as bearer token. Other users can read flags: prefer the variable.',
    },
  ),
  host: setting(text(/^\S+$/, 'a host name or an address without spaces'), {
    env: 'HOST',
    group: 'Server',
    default: '127.0.0.1',
    description: 'Address to listen on; 0.0.0.0 accepts connections from other machines.',
  }),
  port: setting(integer(0, 65_535), {
    env: 'PORT',
    group: 'Server',
    default: 8_000,
    description: 'TCP port to listen on; 0 picks a free one.',
  }),
  // Audio uploads end at 25 MB. A picture in a chat may have 20 MB, which base64 makes 27: room for three of them.
  bodyLimitMb: setting(integer(1, 1_024), {
    env: 'BODY_LIMIT_MB',
    group: 'Server',
    default: 32,
    unit: 'MB',
    description:
      'Largest request body that is read: room for 25 MB of audio, or for a picture of 20 MB in base64, the largest that the service takes.',
  }),
  shutdownGraceSeconds: setting(integer(0, 3_600), {
    env: 'SHUTDOWN_GRACE_SECONDS',
    group: 'Server',
    default: 30,
    unit: 's',
    description: 'How long open requests may go on after SIGTERM or SIGINT.',
  }),
  logLevel: setting(oneOf(['debug', 'info', 'warn', 'error'], { warning: 'warn', critical: 'error' }), {
    env: 'LOG_LEVEL',
    group: 'Server',
    default: 'info',
    description: 'Least severity that is logged; the names WARNING and CRITICAL are understood too.',
  }),
  deploymentConfigPath: setting(text(/./, 'the path of a file'), {
    env: 'OPENAI_DEPLOYMENT_CONFIG_PATH',
    group: 'Deployments',
    whenUnset: 'the default set',
    description: 'JSON or YAML file with the deployments; relative to the working directory.',
  }),
  modelCataloguePath: setting(text(/./, 'the path of a file'), {
    env: 'MODEL_CATALOGUE_PATH',
    group: 'Deployments',
    whenUnset: 'the built-in models alone',
    description:
      'JSON or YAML file of models, new ones or changes of known ones (docs/models.md); relative to the working directory.',
  }),
  allowUndefinedDeployments: setting(yesOrNo('true or false'), {
    env: 'ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS',
    group: 'Deployments',
    default: true,
    description: 'Whether requests to other deployments than those are answered.',
  }),
  limitProfile: setting(oneOf(limitProfileNames), {
    env: 'LIMIT_PROFILE',
    group: 'Deployments',
    default: '2026-08',
    description:
      'The era of the service whose limiter and rate-limit headers deployments have (docs/limits.md).',
  }),
  utilizationHeader: setting(yesOrNo('on or off'), {
    env: 'PTU_UTILIZATION_HEADER',
    group: 'Deployments',
    default: 'on',
    description:
      'Whether provisioned deployments tell their utilisation in azure-openai-deployment-utilization; the service has been seen with and without it.',
  }),
  contentFilter: z.strictObject({
    prompt: setting(filterPhrases([...harmCategories, 'jailbreak']), {
      env: 'CONTENT_FILTER_PROMPT',
      group: 'Content filter',
      whenUnset: 'no refusals',
      description: 'A request with one of these phrases is refused: 400, code content_filter.',
    }),
    completion: setting(filterPhrases(harmCategories), {
      env: 'CONTENT_FILTER_COMPLETION',
      group: 'Content filter',
      whenUnset: 'no blocked answers',
      description:
        'The answer to a request with one of these phrases is blocked: finish_reason content_filter.',
    }),
    late: setting(filterPhrases(harmCategories), {
      env: 'CONTENT_FILTER_LATE',
      group: 'Content filter',
      whenUnset: 'no streams cut short',
      description:
        'The stream that answers a request with one of these phrases is cut short, as by the asynchronous filter.',
    }),
  }),
  latency: z.strictObject({
    timeScale: setting(nonNegativeNumber(), {
      env: 'LATENCY_TIME_SCALE',
      group: 'Latency',
      default: 1,
      unit: 'factor',
      description: 'Multiplies every waiting time: 0.5 is twice as fast, 0 switches all of them off.',
    }),
    profile: setting(oneOf(latencyProfileChoices), {
      env: 'LATENCY_PROFILE',
      group: 'Latency',
      default: 'off',
      description:
        "Built-in waiting times of a family of models (docs/timing.md): auto takes the one of each deployment's model, off leaves them to the variables below.",
    }),
    chatCompletions: tokenLatency('CHAT_COMPLETIONS', 'chat completions', 19, 6),
    completions: tokenLatency('COMPLETIONS', 'legacy completions', 15, 2),
    embeddings: latency('EMBEDDINGS', 'an embeddings request', 'ms per request', 100, 30),
    translations: latency('TRANSLATIONS', 'an audio translation', 'ms per MB', 15_000, 1_000),
  }),
  faultsPath: setting(text(/./, 'the path of a file'), {
    env: 'FAULTS_PATH',
    group: 'Faults',
    whenUnset: 'no faults but those of the deployment file',
    description:
      'JSON or YAML file of faults over all deployments (docs/faults.md); relative to the working directory.',
  }),
  incidentsPath: setting(text(/./, 'the path of a file'), {
    env: 'INCIDENTS_PATH',
    group: 'Faults',
    whenUnset: 'no incidents but those that are started later',
    description:
      'JSON or YAML file with a timetable of incidents, which begins with the simulator (docs/incidents.md); relative to the working directory.',
  }),
  simHeaders: setting(yesOrNo('on or off'), {
    env: 'SIM_HEADERS',
    group: 'Faults',
    default: 'on',
    description:
      'Whether a request may ask for a fault, a delay or a length with headers that begin with x-sim- (docs/faults.md).',
  }),
})

/** The checked values of all settings. */
export type Settings = z.output<typeof settingsSchema>

function tokenLatency(env: string, operation: string, meanMs: number, stdDevMs: number) {
  return z.strictObject({
    perToken: latency(env, `each token of ${operation}`, 'ms per token', meanMs, stdDevMs),
    firstToken: latency(`${env}_FIRST_TOKEN`, `the first token of ${operation}`, 'ms', 0, 0),
  })
}

/** The defaults are those of the Python simulator that this one replaces, so that measurements stay comparable. */
function latency(env: string, what: string, unit: string, meanMs: number, stdDevMs: number) {
  return z.strictObject({
    meanMs: setting(nonNegativeNumber(), {
      env: `LATENCY_OPENAI_${env}_MEAN`,
      group: 'Latency',
      default: meanMs,
      unit,
      description: `Mean waiting time for ${what}.`,
    }),
    stdDevMs: setting(nonNegativeNumber(), {
      env: `LATENCY_OPENAI_${env}_STD_DEV`,
      group: 'Latency',
      default: stdDevMs,
      unit,
      description: `Standard deviation of the waiting time for ${what}.`,
    }),
  })
}
