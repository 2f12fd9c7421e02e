import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseDeploymentFile } from '../../tests/support/deployment-file.ts'

const parse = (latency: unknown, model = 'gpt-4o') =>
  parseDeploymentFile(JSON.stringify({ chat: { model, latency } }), 'd.yaml')
const latencyOf = (latency: unknown) => {
  const { deployments, problems } = parse(latency)
  expect(problems).toEqual([])
  return deployments[0]?.latency
}
const problemsOf = (latency: unknown, model?: string): readonly string[] => parse(latency, model).problems

describe('latency of a deployment', () => {
  it('is optional', () => {
    const { deployments } = parseDeploymentFile('chat: {model: gpt-4o}', 'd.yaml')
    expect(deployments[0]).not.toHaveProperty('latency')
  })

  it('has the configured keys only', () => {
    expect(latencyOf({ profile: 'gpt-4o', promptMsPerToken: 0.1 })).toEqual({
      profile: 'gpt-4o',
      promptMsPerToken: 0.1,
    })
  })

  it('accepts a number as a constant', () => {
    expect(latencyOf({ perToken: 20 })).toEqual({ perToken: { distribution: 'constant', ms: 20 } })
  })

  it('accepts a gamma distribution with a mean or a scale', () => {
    const gamma = { distribution: 'gamma', shape: 4, scaleMs: 5 }
    expect(latencyOf({ firstToken: { distribution: 'gamma', shape: 4, meanMs: 20 } })).toEqual({
      firstToken: gamma,
    })
    expect(latencyOf({ firstToken: gamma })).toEqual({ firstToken: gamma })
  })

  it('accepts off for bursts in YAML 1.1 and 1.2', () => {
    const { deployments } = parseDeploymentFile('a: {model: gpt-4o, latency: {burst: off}}', 'd.yaml')
    expect(deployments[0]?.latency).toEqual({ burst: 'off' })
    expect(latencyOf({ burst: false })).toEqual({ burst: 'off' })
  })

  it('uses the slots as the default of load.requests', () => {
    expect(latencyOf({ load: { slowdown: 1 }, concurrency: { slots: 16 } })).toEqual({
      load: { slowdown: 1, exponent: 1, requests: 16 },
      concurrency: { slots: 16, queueLength: 100, queueTimeoutMs: 60_000 },
    })
  })

  it.each([
    [
      { firstToken: { distribution: 'lognormal', medianMs: -500, sigma: 0.7 } },
      'firstToken.medianMs must be a number from 0 to 3,600,000 (got -500). Set it to 500, for example.',
    ],
    [{ perToken: -5 }, 'perToken must be a number from 0 to 3,600,000 (got -5).'],
    [
      { perToken: { distribution: 'lognormal', medianMs: 12, sigma: 4 } },
      'perToken.sigma must be a number from 0 to 3 (got 4).',
    ],
    [{ perToken: { distribution: 'log', ms: 1 } }, 'perToken.distribution must be one of constant, normal,'],
    [{ perToken: 'fast' }, 'perToken must be a number of milliseconds, or a mapping with a distribution'],
    [
      { perToken: { distribution: 'constant', ms: 1, sigma: 2 } },
      'perToken.sigma is not a known key. Known keys are distribution, ms.',
    ],
    [{ perToken: { distribution: 'gamma', shape: 2 } }, 'perToken must have either meanMs or scaleMs'],
    [
      { perToken: { distribution: 'gamma', shape: 2, meanMs: 1, scaleMs: 1 } },
      'perToken must have either meanMs or scaleMs',
    ],
    [
      {
        firstToken: {
          distribution: 'quantiles',
          quantiles: [
            [0.5, 9],
            [0.4, 10],
          ],
        },
      },
      'firstToken.quantiles must be a list of pairs',
    ],
    [
      { firstToken: { distribution: 'quantiles', quantiles: [[1.5, 9]] } },
      'firstToken.quantiles[0][0] must be a list of pairs [share from 0 to 1, milliseconds]',
    ],
    [{ profile: 'gpt-4o-min' }, 'profile must be one of off, auto,'],
    [{ profile: 'gpt-4o-min' }, 'Did you mean gpt-4o-mini?'],
    [{ burst: { tokens: [10, 3] } }, 'burst.tokens must be two integers from 1 to 1,000 in ascending order'],
    [
      { burst: 'on' },
      'burst must be off, or a mapping such as {interval: 2000} or {tokens: [3, 10]} (got "on").',
    ],
    [{ burst: {} }, 'burst must have either tokens or interval'],
    [{ burst: { tokens: [3, 10], interval: 2_000 } }, 'burst must have either tokens or interval'],
    [{ burst: { interval: -1 } }, 'burst.interval'],
    [{ load: { slowdown: 1 } }, 'load.requests is required without concurrency.slots'],
    [{ load: { slowdown: -1, requests: 2 } }, 'load.slowdown must be a number from 0 to 1,000 (got -1).'],
    [{ concurrency: { slots: 0 } }, 'concurrency.slots must be an integer from 1 to 1,000,000 (got 0).'],
    [{ concurrency: { slots: 4, queueTimeoutMs: '1s' } }, 'concurrency.queueTimeoutMs must be a number'],
    [{ concurrency: 4 }, 'concurrency must be a mapping with the keys slots, queueLength, queueTimeoutMs'],
    [{ perTokens: 4 }, 'perTokens is not a known key. Known keys are profile, firstToken, perToken,'],
  ])('rejects %j with its path in the file', (latency, problem) => {
    const problems = problemsOf(latency)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^d\.yaml: "chat"\.latency\./)
    expect(problems[0]).toContain(problem)
  })

  it.each([5, null, [], 'fast'])('rejects %j as a whole', (latency) => {
    expect(problemsOf(latency)[0]).toContain('"chat".latency must be a mapping with the keys profile,')
  })

  it('reports all problems', () => {
    expect(
      problemsOf({ profile: 'x', perToken: -1, concurrency: { slots: 1.5, queueLength: -1 } }),
    ).toHaveLength(4)
  })

  it('rejects times that do not apply to the model', () => {
    expect(problemsOf({ perRequest: 50 })[0]).toContain(
      '"chat".latency.perRequest does not apply to gpt-4o, which returns tokens. Remove it.',
    )
    const problems = problemsOf({ profile: 'gpt-4o', perToken: 5 }, 'text-embedding-3-small')
    expect(problems).toEqual([
      expect.stringContaining('.perToken does not apply to text-embedding-3-small, which returns no tokens.'),
      expect.stringContaining('.profile must be a profile for text-embedding-3-small'),
    ])
    expect(problemsOf({ profile: 'auto', perRequest: 5 }, 'text-embedding-3-small')).toEqual([])
  })
})

it('example of docs/timing.md is a valid latency', () => {
  const document = readFileSync(new URL('../../docs/timing.md', import.meta.url), 'utf8')
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(document) ?? []
  const { deployments, problems } = parseDeploymentFile(example, 'd.yaml')
  expect(problems).toEqual([])
  expect(deployments.map(({ latency }) => Object.keys(latency ?? {}).length)).toEqual([8, 1])
})
