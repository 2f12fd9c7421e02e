import { z } from 'zod'
import { latencyProfileChoices } from './latency-profiles.ts'
import { setting } from './setting.ts'
import { nonNegativeNumber, oneOf } from './value-kind.ts'

/** Waiting times, as far as deployments say nothing of their own. */
export const latencySettings = {
  timeScale: setting(nonNegativeNumber(), {
    env: 'LATENCY_TIME_SCALE',
    patch: 'latency.time_scale',
    group: 'Latency',
    default: 1,
    description: 'Multiplies every waiting time. 0.5 is twice as fast, 0 turns latency off.',
  }),
  profile: setting(oneOf(latencyProfileChoices), {
    env: 'LATENCY_PROFILE',
    patch: 'latency.profile',
    group: 'Latency',
    default: 'off',
    description:
      'Built-in latency of a model family (docs/timing.md). auto selects it by the model of the deployment, off uses the variables below.',
  }),
  chatCompletions: tokenLatency('CHAT_COMPLETIONS', 'chat completions', 19, 6),
  completions: tokenLatency('COMPLETIONS', 'legacy completions', 15, 2),
  embeddings: latency('EMBEDDINGS', 'an embeddings request', 'ms per request', 100, 30),
  translations: latency('TRANSLATIONS', 'an audio translation', 'ms per MB', 15_000, 1_000),
}

function tokenLatency(env: string, operation: string, meanMs: number, stdDevMs: number) {
  return z.strictObject({
    perToken: latency(env, `each token of ${operation}`, 'ms per token', meanMs, stdDevMs),
    firstToken: latency(
      `${env}_FIRST_TOKEN`,
      `the first token of ${operation}`,
      'ms',
      0,
      0,
      `${patchedLatency(env)}.first_token`,
    ),
  })
}

/** The defaults are those of the Python simulator that this one replaces, so that measurements stay comparable. */
function latency(
  env: string,
  what: string,
  unit: string,
  meanMs: number,
  stdDevMs: number,
  patch = patchedLatency(env),
) {
  return z.strictObject({
    meanMs: setting(nonNegativeNumber(), {
      env: `LATENCY_OPENAI_${env}_MEAN`,
      patch: `${patch}.mean`,
      group: 'Latency',
      default: meanMs,
      unit,
      description: `Mean latency of ${what}.`,
    }),
    stdDevMs: setting(nonNegativeNumber(), {
      env: `LATENCY_OPENAI_${env}_STD_DEV`,
      patch: `${patch}.std_dev`,
      group: 'Latency',
      default: stdDevMs,
      unit,
      description: `Standard deviation of the latency of ${what}.`,
    }),
  })
}

/** The name that the Python simulator's PATCH /++/config has. */
function patchedLatency(env: string): string {
  return `latency.open_ai_${env.toLowerCase()}`
}
