import { describe, expect, it } from 'vitest'
import { defaultDeployments } from './default-deployments.ts'
import { parseDeploymentFile, resolveDeployments } from './deployment-file.ts'

const problemsIn = (source: string): readonly string[] => parseDeploymentFile(source, 'd.yaml').problems

describe('parseDeploymentFile', () => {
  it('reads JSON, with tabs and old model names', () => {
    const source = '{\n\t"chat": {\n\t\t"model": "gpt-3.5-turbo",\n\t\t"tokensPerMinute": 60000\n\t}\n}'
    const { deployments, problems } = parseDeploymentFile(source, 'd.json')
    expect(problems).toEqual([])
    expect(deployments).toMatchObject([
      { name: 'chat', model: { name: 'gpt-35-turbo' }, tokensPerMinute: 60_000 },
    ])
  })

  it('reads YAML, and keeps the limits as they are given', () => {
    const { deployments } = parseDeploymentFile('w:\n  model: whisper\n  requestsPerMinute: 3\n', 'd.yaml')
    expect(deployments[0]).toMatchObject({ requestsPerMinute: 3 })
    expect(deployments[0]).not.toHaveProperty('tokensPerMinute')
  })

  it('reports every problem at once, with its place', () => {
    const source = `
chat: { model: gpt-4o-minni, tokensPerMinute: -5, tokenPerMinute: 1 }
text: gpt-4o
bare: { tokensPerMinute: "60" }
`
    const problems = problemsIn(source)
    expect(problems).toHaveLength(6)
    expect(problems.join('\n')).toMatch(
      /d\.yaml: "chat"\.model must be a model .*Did you mean gpt-4o-mini or/,
    )
    expect(problems).toEqual(
      expect.arrayContaining([
        'd.yaml: "chat".tokenPerMinute is not part of a deployment. Did you mean tokensPerMinute?',
        'd.yaml: "chat".tokensPerMinute must be an integer of at least 1 (got -5). Set it to 20000, for example, or leave it out for no limit.',
        'd.yaml: "text" must be a mapping with at least a model (got "gpt-4o"). See docs/config.md.',
        'd.yaml: "bare".model must be the name of a model (got nothing). Set it to gpt-4o-mini, for example.',
      ]),
    )
  })

  it.each(['{"a": {"model": "gpt-4o"}, "a": {"model": "gpt-4o"}}', 'a: {model: gpt-4o}\na: {model: gpt-4o}'])(
    'reports a name that stands twice: %j',
    (source) => {
      expect(problemsIn(source)).toEqual([expect.stringContaining('d.yaml: the key "a" stands twice (line ')])
    },
  )

  it.each(['', '[]', 'just text'])('refuses a file that maps nothing: %j', (source) => {
    expect(problemsIn(source)).toEqual(['d.yaml must map deployment names to deployments.'])
  })

  it('says where a file is broken', () => {
    expect(problemsIn('{"a": ')[0]).toMatch(
      /^d\.yaml: this is neither JSON nor YAML: .*\(line 1, column \d+\)\.$/,
    )
  })

  it.each([
    ['text-embedding-ada-002', 512, 'must be 1536, the only size of text-embedding-ada-002'],
    ['text-embedding-3-small', 1537, 'must be at most 1536 for text-embedding-3-small'],
    ['gpt-4o', 3, 'must be absent, for gpt-4o makes no embeddings'],
  ])('refuses an embedding size that %s cannot make: %i', (model, embeddingSize, rule) => {
    expect(problemsIn(JSON.stringify({ e: { model, embeddingSize } }))[0]).toContain(
      `"e".embeddingSize ${rule}`,
    )
  })

  it('takes any smaller size for a model that shortens its embeddings', () => {
    expect(problemsIn('e: {model: text-embedding-3-large, embeddingSize: 256}')).toEqual([])
  })
})

it('has a default set without problems', () => {
  const { deployments, problems } = resolveDeployments(defaultDeployments, 'default')
  expect(problems).toEqual([])
  expect(deployments.find(({ name }) => name === 'embedding')).toMatchObject({ tokensPerMinute: 20_000 })
  expect(deployments.find(({ name }) => name === 'whisper')).toMatchObject({ requestsPerMinute: 3 })
})
