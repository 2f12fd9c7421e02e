import { describe, expect, it } from 'vitest'
import { parseDeploymentFile } from '../../tests/support/deployment-file.ts'
import { defaultDeployments } from './deployments.ts'
import { resolveDeployments } from './deployment-file.ts'

const problemsIn = (source: string, modelsStrict = false): readonly string[] =>
  parseDeploymentFile(source, 'd.yaml', modelsStrict).problems

describe('deployment file', () => {
  it('reads JSON, with tabs and old model names', () => {
    const source = '{\n\t"chat": {\n\t\t"model": "gpt-3.5-turbo",\n\t\t"tokensPerMinute": 60000\n\t}\n}'
    const { deployments, problems } = parseDeploymentFile(source, 'd.json')
    expect(problems).toEqual([])
    expect(deployments).toMatchObject([
      { name: 'chat', model: { name: 'gpt-35-turbo' }, tokensPerMinute: 60_000 },
    ])
  })

  it('accepts members, types of tools and values of lists under drop', () => {
    const names = [
      'seed',
      'messages.name',
      'tools.web_search',
      'include.message.output_text.logprobs',
      'x-key',
    ]
    const dropping = (name: string): string => `a: { model: gpt-4o, upstream: default/a, drop: ["${name}"] }`
    for (const name of names) {
      expect(problemsIn(dropping(name)).filter((problem) => problem.includes('drop'))).toEqual([])
    }
    for (const name of ['', 'a b', 'messages[0].name', '.a', 'a.', 'a'.repeat(65)]) {
      expect(problemsIn(dropping(name)).filter((problem) => problem.includes('drop'))).toHaveLength(1)
    }
  })

  it('reads YAML with the limits of the file', () => {
    const { deployments } = parseDeploymentFile('w:\n  model: whisper\n  requestsPerMinute: 3\n', 'd.yaml')
    expect(deployments[0]).toMatchObject({ requestsPerMinute: 3 })
    expect(deployments[0]).not.toHaveProperty('tokensPerMinute')
  })

  it('reports all problems with their paths', () => {
    const source = `
chat: { model: gpt-4o-minni, tokensPerMinute: -5, tokenPerMinute: 1 }
text: gpt-4o
bare: { tokensPerMinute: "60" }
`
    const problems = problemsIn(source, true)
    expect(problems).toHaveLength(5)
    expect(problems.join('\n')).toMatch(
      /d\.yaml: "chat"\.model must be a known model, .*Did you mean gpt-4o-mini or .*MODEL_CATALOGUE_PATH/,
    )
    expect(problems).toEqual(
      expect.arrayContaining([
        'd.yaml: "chat".tokenPerMinute is not a key of a deployment. Did you mean tokensPerMinute?',
        'd.yaml: "chat".tokensPerMinute must be an integer of at least 1 (got -5). Set it to 20000, for example, or leave it out for no limit.',
        'd.yaml: "text" must be a mapping with at least a model or an upstream (got "gpt-4o"). See docs/config.md.',
        'd.yaml: "bare".model must be the name of a model (got nothing). Set it to gpt-4o-mini, for example.',
      ]),
    )
  })

  it.each(['{"a": {"model": "gpt-4o"}, "a": {"model": "gpt-4o"}}', 'a: {model: gpt-4o}\na: {model: gpt-4o}'])(
    'reports a duplicate name: %j',
    (source) => {
      expect(problemsIn(source)).toEqual([
        expect.stringContaining('d.yaml: the key "a" is a duplicate (line '),
      ])
    },
  )

  it.each(['', '[]', 'just text'])('rejects a file that is not a mapping: %j', (source) => {
    expect(problemsIn(source)).toEqual(['d.yaml must map deployment names to deployments.'])
  })

  it('reports the position of a syntax error', () => {
    expect(problemsIn('{"a": ')[0]).toMatch(/^d\.yaml: not valid YAML or JSON: .*\(line 1, column \d+\)\.$/)
  })

  it.each(['openai/gpt-4o', 'ft:gpt-4o:x', 'my.model_v2', 'a b', '~', 'é', 'x'.repeat(256)])(
    'accepts the deployment name %j',
    (name) => {
      expect(problemsIn(JSON.stringify({ [name]: { model: 'gpt-4o' } }))).toEqual([])
    },
  )

  it.each([
    '',
    ' ',
    ' a',
    'a ',
    'a\r\nb',
    'a\tb',
    '\u0000',
    '\u007f',
    'a\u0085',
    '字',
    '💥',
    '\ud800',
    'x'.repeat(257),
  ])('rejects the deployment name %j', (name) => {
    const rule =
      'd.yaml: The name of a deployment must have 1 to 256 printable characters of ASCII or Latin-1, with no space at either end (got '
    const problems = problemsIn(JSON.stringify({ [name]: { model: 'gpt-4o' } }))
    expect(problems).toEqual([expect.stringContaining(rule)])
    expect(problems[0]?.length).toBeLessThan(300)
    expect(problemsIn(`? ${JSON.stringify(name)}\n: {model: gpt-4o}\n`)).toEqual(problems)
  })

  it.each([
    ['text-embedding-ada-002', 512],
    ['text-embedding-3-small', 4_096],
    ['text-embedding-3-xlarge', 1],
    ['text-embedding-ada-001', '768'],
    ['text-embedding-5', 5_000],
  ])('accepts any embedding size for %s: %j', (model, embeddingSize) => {
    const file = parseDeploymentFile(JSON.stringify({ e: { model, embeddingSize } }), 'd.json')
    expect(file.problems).toEqual([])
    expect(file.deployments[0]?.embeddingSize).toBe(Number(embeddingSize))
    expect(file.deployments[0]?.model.embeddingSize).toBeGreaterThanOrEqual(Number(embeddingSize))
  })

  it.each([0, -1, 16_385, 1.5, '1.5', 'many', ''])('rejects the embedding size %j', (embeddingSize) => {
    const source = JSON.stringify({ e: { model: 'text-embedding-3-small', embeddingSize } })
    expect(problemsIn(source)[0]).toContain('"e".embeddingSize must be an integer from 1 to 16384')
  })

  it('warns of an embedding size for a model without embeddings', () => {
    const file = parseDeploymentFile('e: {model: gpt-4o, embeddingSize: 3}', 'd.yaml')
    expect(file.problems).toEqual([])
    expect(file.warnings).toEqual([
      'd.yaml: "e".embeddingSize has no effect, because gpt-4o does not create embeddings. Remove it.',
    ])
  })

  it('accepts numbers in strings, as int() of Python does', () => {
    const entry = {
      model: 'gpt-4o',
      tokensPerMinute: '60000',
      requestsPerMinute: ' 1_000 ',
      requestsSliceSeconds: '10',
    }
    const { deployments, problems } = parseDeploymentFile(JSON.stringify({ a: entry }), 'd.json')
    expect(problems).toEqual([])
    expect(deployments[0]).toMatchObject({
      tokensPerMinute: 60_000,
      requestsPerMinute: 1_000,
      requestsSliceSeconds: 10,
    })
    for (const wrong of ['1e3', '0x10', '1__0', '_1', '1 000', '0', '-5', '', 'sixty', '1.0']) {
      expect(problemsIn(JSON.stringify({ a: { model: 'gpt-4o', tokensPerMinute: wrong } }))).toHaveLength(1)
    }
  })

  it('accepts older names of keys, unless the newer one is set as well', () => {
    const { deployments, problems } = parseDeploymentFile(
      'w: {model: whisper, requestPerMinute: 3}\ne: {model: text-embedding-3-small, size: "512"}',
      'd.yaml',
    )
    expect(problems).toEqual([])
    expect(deployments).toMatchObject([{ requestsPerMinute: 3 }, { embeddingSize: 512 }])
    expect(problemsIn('w: {model: whisper, requestPerMinute: 3, requestsPerMinute: 4}')).toEqual([
      'd.yaml: "w".requestPerMinute is another name of requestsPerMinute. Remove one of them.',
    ])
  })

  it('treats an unknown model as the nearest one, with a warning that names the fix', () => {
    const { deployments, problems, warnings } = parseDeploymentFile(
      'chat: {model: gpt-4o-2029-01-01, tokensPerMinute: 10}',
      'd.yaml',
    )
    expect(problems).toEqual([])
    expect(deployments[0]).toMatchObject({
      tokensPerMinute: 10,
      model: { name: 'gpt-4o', versionedName: 'gpt-4o-2029-01-01', contextTokens: 128_000 },
    })
    expect(warnings).toEqual([
      expect.stringMatching(
        /^d\.yaml: "chat"\.model is unknown: the simulator treats "gpt-4o-2029-01-01" as gpt-4o, with its limits and capabilities\. .*MODEL_CATALOGUE_PATH .*MODELS_STRICT=true/,
      ),
    ])
  })

  it('rejects an unknown model with MODELS_STRICT', () => {
    expect(problemsIn('chat: {model: gpt-4o-2029-01-01}', true)).toHaveLength(1)
    expect(problemsIn('chat: {model: gpt-4o-2024-08-06}', true)).toEqual([])
  })

  it.each(['', ' ', 'x'.repeat(101), 'gpt\u0000', 'gpt\n4'])('rejects the model name %j', (model) => {
    expect(problemsIn(JSON.stringify({ a: { model } }))).toEqual([
      expect.stringContaining('"a".model must be a name of 1 to 100 printable characters'),
    ])
  })
})

it('default deployments have no problems', () => {
  const { deployments, problems } = resolveDeployments(defaultDeployments, 'default')
  expect(problems).toEqual([])
  expect(deployments.find(({ name }) => name === 'embedding')).toMatchObject({ tokensPerMinute: 20_000 })
  expect(deployments.find(({ name }) => name === 'whisper')).toMatchObject({ requestsPerMinute: 3 })
})
