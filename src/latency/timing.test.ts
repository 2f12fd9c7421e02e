import { describe, expect, it } from 'vitest'
import type { ResourceConfig } from '../config/config.ts'
import type { Deployment } from '../config/deployments.ts'
import type { DeploymentLatency } from '../config/deployment-latency.ts'
import { type LatencyProfileChoice, latencyProfiles } from '../config/latency-profiles.ts'
import { findModel } from '../wire/models/model-catalogue.ts'
import { timingOf } from './timing.ts'

const flat = (meanMs: number) => ({ meanMs, stdDevMs: 0 })
const environment = (profile: LatencyProfileChoice = 'off'): ResourceConfig['latency'] => ({
  timeScale: 1,
  profile,
  chatCompletions: { perToken: { meanMs: 19, stdDevMs: 6 }, firstToken: flat(100) },
  completions: { perToken: flat(15), firstToken: flat(0) },
  embeddings: flat(50),
  translations: flat(15_000),
})
const deployment = (model: string, latency?: DeploymentLatency): Deployment => ({
  name: 'd',
  model: findModel(model)!,
  ...(latency && { latency }),
})
const constant = (ms: number) => ({ distribution: 'constant', ms }) as const

describe('timingOf', () => {
  it('defaults to the environment variables', () => {
    expect(timingOf('chatCompletions', deployment('gpt-4o'), environment())).toEqual({
      kind: 'tokens',
      firstToken: constant(100),
      delaysFirstToken: true,
      perToken: { distribution: 'normal', meanMs: 19, stdDevMs: 6 },
      promptMsPerToken: 0,
      reasoningMsPerToken: undefined,
      burst: undefined,
    })
    expect(timingOf('embeddings', undefined, environment())).toMatchObject({ perRequest: constant(50) })
    expect(timingOf('translations', undefined, environment())).toMatchObject({ perMegabyte: true })
    expect(timingOf('responses', undefined, environment())).toMatchObject({ firstToken: constant(100) })
  })

  it('is undefined for operations without a setting', () => {
    for (const operation of ['speech', 'imageGenerations', 'listModels', undefined] as const) {
      expect(timingOf(operation, undefined, environment())).toBeUndefined()
    }
    const own = deployment('gpt-4o-mini-tts', { perRequest: constant(700) })
    expect(timingOf('speech', own, environment())).toMatchObject({
      kind: 'request',
      perRequest: constant(700),
    })
  })

  it('uses the profile of the setting, or that of the model with auto', () => {
    const { firstToken, perToken, burst } = latencyProfiles['gpt-4.1']
    const expected = { firstToken, perToken, burst, delaysFirstToken: false }
    expect(timingOf('chatCompletions', deployment('gpt-4o'), environment('gpt-4.1'))).toMatchObject(expected)
    expect(timingOf('chatCompletions', deployment('gpt-4.1'), environment('auto'))).toMatchObject(expected)
    expect(timingOf('embeddings', deployment('text-embedding-3-small'), environment('auto'))).toMatchObject({
      perRequest: latencyProfiles.embeddings.perRequest,
    })
  })

  it('uses the environment variables if the profile does not apply to the operation', () => {
    const chat = timingOf('chatCompletions', deployment('gpt-4o'), environment('embeddings'))
    expect(chat).toEqual(timingOf('chatCompletions', deployment('gpt-4o'), environment()))
    const embeddings = timingOf('embeddings', deployment('text-embedding-3-small'), environment('gpt-4o'))
    expect(embeddings).toEqual(timingOf('embeddings', undefined, environment()))
  })

  it('uses the profile of the deployment, which can be off', () => {
    const named = deployment('gpt-4o', { profile: 'gpt-4o-busy' })
    expect(timingOf('chatCompletions', named, environment('auto'))).toMatchObject({
      firstToken: latencyProfiles['gpt-4o-busy'].firstToken,
    })
    const off = deployment('gpt-4o', { profile: 'off' })
    expect(timingOf('chatCompletions', off, environment('auto'))).toMatchObject({ firstToken: constant(100) })
  })

  it('overrides single values of the profile with those of the deployment', () => {
    const own = deployment('gpt-4o', {
      profile: 'auto',
      perToken: constant(30),
      burst: 'off',
      reasoningMsPerToken: 4,
    })
    expect(timingOf('chatCompletions', own, environment())).toMatchObject({
      firstToken: latencyProfiles['gpt-4o'].firstToken,
      perToken: constant(30),
      burst: undefined,
      reasoningMsPerToken: 4,
      promptMsPerToken: 0.1,
    })
  })
})
