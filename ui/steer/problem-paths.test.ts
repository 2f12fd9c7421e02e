import { describe, expect, it } from 'vitest'
import { hasProblemIn, placeProblem, problemAt } from './problem-paths.ts'

const draft = {
  region: 5,
  latency: { time_scale: -1, open_ai_chat_completions: { mean: 'x' } },
  faults: [{ probability: 2, fault: 'cut' }],
  upstream: 'none',
  deployments: {
    'gpt-4o': {
      tokens_per_minute: -1,
      latency: { first_token: { distribution: 'lognormal', median_ms: 'a' } },
      faults: [
        { probability: 1, fault: 'cut' },
        { probability: 0.1, fault: { kind: 'cut', after_share: 3 } },
      ],
    },
    'we "ird. name': { model: 5 },
  },
  incidents: { phases: [{ name: 'a b', latency: { first_token_factor: -1 } }] },
}

describe('the place of a problem', () => {
  it.each<[string, (string | number)[]]>([
    ['latency.time_scale must be a number of at least 0 (got -1).', ['latency', 'time_scale']],
    ['latency.open_ai_chat_completions.mean must be', ['latency', 'open_ai_chat_completions', 'mean']],
    ['region must be a name in printable ASCII characters (got 5).', ['region']],
    [
      'openai_deployments: "gpt-4o".tokensPerMinute must be an integer of at least 1 (got -1).',
      ['deployments', 'gpt-4o', 'tokens_per_minute'],
    ],
    ['openai_deployments: "gpt-4o".wrong is not a key of a deployment.', ['deployments', 'gpt-4o', 'wrong']],
    [
      'openai_deployments: "gpt-4o".latency.firstToken.medianMs must be',
      ['deployments', 'gpt-4o', 'latency', 'first_token', 'median_ms'],
    ],
    [
      'openai_deployments: "gpt-4o".faults[1].fault.afterShare must be',
      ['deployments', 'gpt-4o', 'faults', 1, 'fault', 'after_share'],
    ],
    ['openai_deployments: "we \\"ird. name".model must be', ['deployments', 'we "ird. name', 'model']],
    ['patch: faults[0].probability must be', ['faults', 0, 'probability']],
    ['resources.acme: patch: faults[0].probability must be', ['faults', 0, 'probability']],
    ['resources.acme: faults: faults[0].probability must be', ['faults', 0, 'probability']],
    ['resources.acme.upstream must name an upstream (got "none").', ['upstream']],
    ['resources.acme: region must be a name', ['region']],
    [
      'resources.acme: deployments: "gpt-4o".tokensPerMinute must',
      ['deployments', 'gpt-4o', 'tokens_per_minute'],
    ],
    [
      'resources.acme: incidents: phases[0].latency.firstTokenFactor must be',
      ['incidents', 'phases', 0, 'latency', 'first_token_factor'],
    ],
    // The fault is a word, so its member has no field.
    ['patch: faults[0].fault.kind must be one of', ['faults', 0, 'fault']],
    ['SIMULATOR_REGION must be', ['region']],
    ['SIMULATOR_MODE=record needs AZURE_OPENAI_KEY. Set it.', []],
    ['', []],
  ])('of %j', (text, path) => {
    expect(placeProblem(text, draft)).toEqual({ text, path })
  })

  it('of an upstream and of a timetable is in their document', () => {
    expect(placeProblem('upstreams.east.connect_timeout_ms must be', { endpoint: 'x' }).path).toEqual([
      'connect_timeout_ms',
    ])
    expect(placeProblem('body: phases[0].name must be', draft.incidents).path).toEqual(['phases', 0, 'name'])
    expect(placeProblem('body: startAfter must be a time', draft.incidents).path).toEqual(['start_after'])
  })
})

describe('problems of a form', () => {
  const problems = [
    { text: 'One.', path: ['faults', 0, 'probability'] },
    { text: 'Two.', path: ['faults', 0, 'probability'] },
  ]

  it('are at their field, and in the groups around it', () => {
    expect(problemAt(problems, ['faults', 0, 'probability'])).toBe('One. Two.')
    expect(problemAt(problems, ['faults', 0])).toBeUndefined()
    expect(hasProblemIn(problems, ['faults', 0])).toBe(true)
    expect(hasProblemIn(problems, ['faults', 1])).toBe(false)
  })
})
