import { describe, expect, it } from 'vitest'
import { findModel, modelFromDeploymentName } from '../wire/models/model-catalogue.ts'
import { parseModelCatalogueFile } from './model-catalogue-file.ts'

describe('parseModelCatalogueFile', () => {
  it('adds a new model, with its versions and other names', () => {
    const { catalogue, problems } = parseModelCatalogueFile(
      `
gpt-9:
  aliases: [nine]
  versions: ["2030-02-01", "2030-01-01"]
  contextTokens: 2000000
  maxOutputTokens: 200000
  operations: [chatCompletions, responses]
  reasoning: true
  requestsPerThousandTokens: 0.5
`,
      'models.yaml',
    )
    expect(problems).toEqual([])
    expect(findModel('NINE', catalogue)).toMatchObject({
      versionedName: 'gpt-9-2030-02-01',
      encoding: 'o200k_base',
      requestsPerThousandTokens: 0.5,
    })
    expect(modelFromDeploymentName('my-gpt-9-2030-01-01', catalogue)?.version).toBe('2030-01-01')
    expect(findModel('gpt-4o', catalogue)?.name).toBe('gpt-4o')
    expect(findModel('gpt-9')).toBeUndefined()
  })

  it('changes only the given properties of a known model', () => {
    const { catalogue } = parseModelCatalogueFile('{"gpt-4o": {"contextTokens": 1000}}', 'm.json')
    expect(findModel('gpt-4o', catalogue)).toMatchObject({ contextTokens: 1_000, maxOutputTokens: 16_384 })
    expect(catalogue.models.filter(({ name }) => name === 'gpt-4o')).toHaveLength(1)
  })

  it('reports all problems, with similar names', () => {
    const source = JSON.stringify({
      'gpt-4o-minni': { operations: ['chatCompletions'] },
      vectors: { contextTokens: 10, maxOutputTokens: 0, operations: ['embeddings'] },
      'gpt-4o': { contextToken: 1, reasoning: 'yes', operations: ['chat'] },
      other: 7,
    })
    const { problems } = parseModelCatalogueFile(source, 'm.json')
    expect(problems).toEqual([
      expect.stringMatching(
        /^m\.json: "gpt-4o-minni" is a new model and needs contextTokens, maxOutputTokens\. .*gpt-4o-mini/,
      ),
      'm.json: "vectors".embeddingSize is required for an embedding model. Set it to 1536, for example.',
      expect.stringMatching(
        /^m\.json: "gpt-4o"\.operations\[0\] must be a list of .*\(got "chat"\)\. See docs\/models\.md\.$/,
      ),
      'm.json: "gpt-4o".reasoning must be true or false (got "yes"). See docs/models.md.',
      'm.json: "gpt-4o".contextToken is not a property of a model. Did you mean contextTokens?',
      'm.json: "other" must be a mapping of its properties (got 7). See docs/models.md.',
    ])
  })

  it('changes the given capabilities, and keeps those of the family', () => {
    const { catalogue, problems } = parseModelCatalogueFile(
      `
gpt-5.6-sol:
  capabilities: { toolsWithReasoning: accepted, vision: false, parameters: { stop: accepted, seed: unsupported } }
gpt-9-mini:
  contextTokens: 1000
  maxOutputTokens: 100
  operations: [chatCompletions]
  reasoning: true
  capabilities: { efforts: [low, high], defaultEffort: low }
llama-3:
  contextTokens: 1000
  maxOutputTokens: 100
  operations: [chatCompletions]
  capabilities: { unknownMembers: unknown-parameter }
`,
      'models.yaml',
    )
    expect(problems).toEqual([])
    const sol = findModel('gpt-5.6-sol', catalogue)!.capabilities
    expect(sol).toMatchObject({ toolsWithReasoning: 'accepted', vision: false, defaultEffort: 'medium' })
    expect(sol.parameters).toMatchObject({ seed: 'unsupported', max_tokens: 'unsupported' })
    expect(sol.parameters).not.toHaveProperty('stop')
    expect(Object.isFrozen(sol.parameters)).toBe(true)
    expect(findModel('gpt-9-mini', catalogue)?.capabilities).toMatchObject({
      efforts: ['low', 'high'],
      responsesEfforts: ['low', 'high'],
      defaultEffort: 'low',
      toolsWithReasoning: 'refused',
    })
    expect(findModel('llama-3', catalogue)?.capabilities.unknownMembers).toBe('unknown-parameter')
    expect(findModel('gpt-5.6-sol')?.capabilities.vision).toBe(true)
  })

  it.each([
    [{ vison: true }, /"gpt-5"\.capabilities\.vison is not a property of a model\. Did you mean vision\?$/],
    [{ vision: 'yes' }, /"gpt-5"\.capabilities\.vision must be true or false \(got "yes"\)/],
    [
      { efforts: ['ultra'] },
      /"gpt-5"\.capabilities\.efforts\[0\] must be a list of none, minimal, .*\(got "ultra"\)/,
    ],
    [
      { parameters: { stop: 'no' } },
      /"gpt-5"\.capabilities\.parameters\.stop must be accepted, unsupported, /,
    ],
    [{ toolsWithReasoning: 'never' }, /"gpt-5"\.capabilities\.toolsWithReasoning must be one of accepted, /],
    [
      { defaultEffort: 'xhigh' },
      /"gpt-5"\.capabilities\.defaultEffort must be one of its efforts \(got "xhigh"\)/,
    ],
    [7, /"gpt-5"\.capabilities must be a mapping of capabilities \(got 7\)/],
  ])('reports capabilities that are not valid: %j', (capabilities, problem) => {
    const { problems } = parseModelCatalogueFile(JSON.stringify({ 'gpt-5': { capabilities } }), 'm.json')
    expect(problems).toEqual([expect.stringMatching(problem)])
  })

  it('reports efforts of a model without reasoning', () => {
    const source = JSON.stringify({ 'gpt-4o': { capabilities: { efforts: ['low'] } } })
    expect(parseModelCatalogueFile(source, 'm.json').problems).toEqual([
      'm.json: "gpt-4o".capabilities has efforts of a model without reasoning. Set reasoning to true.',
    ])
  })

  it.each(['[]', '', '{"a": '])('rejects a file that is not a mapping: %j', (source) => {
    expect(parseModelCatalogueFile(source, 'm.json').problems).toHaveLength(1)
  })
})
