import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { createAdminRoutes } from '../../src/server/admin/admin-routes.ts'
import { patchableSettings } from '../../src/config/patches.ts'
import { deploymentEntrySchema } from '../../src/config/resolve-deployment.ts'
import { createAdminApi, type Node, schemaProblem } from '../support/admin-api.ts'
import { createTestSimulator } from '../support/test-simulator.ts'

const { app, simulator } = createTestSimulator()
const document = await createAdminApi(app).document()
const routes = createAdminRoutes(simulator, '1.2.3')
const verbs = ['get', 'put', 'post', 'delete', 'patch']

const operations = Object.entries(document['paths'] as Node).flatMap(([path, item]) =>
  verbs
    .filter((verb) => verb in item)
    .map((verb) => ({ path, verb, item: item as Node, operation: item[verb] as Node })),
)

/** Every object of the document. */
function* nodesOf(node: unknown): Generator<Node> {
  if (typeof node !== 'object' || node === null) return
  if (!Array.isArray(node)) yield node
  for (const child of Object.values(node)) yield* nodesOf(child)
}

describe('GET /++/openapi.json', () => {
  it('describes every route, and no others', () => {
    const described = operations.map(({ path, verb }) => `${verb.toUpperCase()} ${path}`)
    expect(new Set(described)).toEqual(new Set(routes.map(({ method, path }) => `${method} ${path}`)))
    expect(described).toHaveLength(routes.length)
  })

  it('describes no route that is missing in docs/admin.md', () => {
    const text = readFileSync(new URL('../../docs/admin.md', import.meta.url), 'utf8')
    expect(routes.map(({ path }) => path).filter((path) => !text.includes(path))).toEqual([])
  })

  it('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(document['info'].version).toBe(version)
  })

  it('has the fields that OpenAPI 3.1 requires', () => {
    expect(document['openapi']).toMatch(/^3\.1\.\d+$/)
    expect(document['info'].title).not.toBe('')
    const allowed = new Set(['openapi', 'info', 'servers', 'security', 'paths', 'components'])
    expect(Object.keys(document).filter((key) => !allowed.has(key))).toEqual([])
    const ids = operations.map(({ operation }) => operation['operationId'])
    expect(new Set(ids).size).toBe(ids.length)
    for (const { path, item, operation } of operations) {
      expect(path).toMatch(/^\//)
      const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name)
      const parameters = [...(item['parameters'] ?? []), ...(operation['parameters'] ?? [])] as Node[]
      expect(parameters.filter((parameter) => parameter['in'] === 'path').map(({ name }) => name)).toEqual(
        inPath,
      )
      for (const parameter of parameters) {
        expect(['path', 'query']).toContain(parameter['in'])
        expect(parameter['schema']).toBeTypeOf('object')
        expect(parameter['required'] ?? false).toBe(parameter['in'] === 'path')
      }
      const statuses = Object.keys(operation['responses'])
      expect(statuses).toContain('401')
      for (const status of statuses) {
        expect(status).toMatch(/^[1-5]\d\d$/)
        expect(operation['responses'][status].description).toMatch(/\.$/)
      }
      expect(operation['summary']).toMatch(/^[A-Z].*[^.]$/)
    }
  })

  it('has no unresolved reference and no unused component', () => {
    const references = [...nodesOf(document)].flatMap((node) =>
      typeof node['$ref'] === 'string' ? [node['$ref']] : [],
    )
    const present = Object.keys(document['components'].schemas).map((name) => `#/components/schemas/${name}`)
    expect(new Set(references)).toEqual(new Set(present))
    for (const requirement of document['security'] as Node[]) {
      for (const name of Object.keys(requirement)) {
        expect(document['components'].securitySchemes).toHaveProperty(name)
      }
    }
  })

  it('has valid JSON schemas of draft 2020-12', async () => {
    const judge = new Ajv2020({ strict: false })
    const schemas = [...nodesOf(document)].flatMap((node) =>
      typeof node['schema'] === 'object' ? [node['schema']] : [],
    )
    for (const schema of [...schemas, ...Object.values(document['components'].schemas as Node)]) {
      expect(await judge.validateSchema(schema)).toBe(true)
      expect(judge.errors ?? []).toEqual([])
    }
  })

  it('has examples that match their schemas', () => {
    const bodies = operations.flatMap(({ operation }) =>
      Object.values((operation['requestBody']?.content ?? {}) as Record<string, Node>),
    )
    expect(bodies.length).toBeGreaterThan(3)
    for (const { schema, example } of bodies) {
      expect(example).toBeDefined()
      expect(schemaProblem(document, schema, example)).toBeUndefined()
    }
  })

  it('describes latency, faults and timetables, of deployments and of resources', () => {
    const ref = (name: string): Node => ({ $ref: `#/components/schemas/${name}` })
    const rule = { probability: 0.1, fault: { kind: 'error', error: 'capacity429', retry_after_seconds: 5 } }
    const valid: [string, unknown][] = [
      [
        'Deployment',
        { model: 'gpt-4o', latency: { first_token: 5, concurrency: { slots: 4 } }, faults: [rule] },
      ],
      ['Deployment', { model: 'gpt-4o', latency: { burst: { tokens: [1, 5] }, profile: 'auto' } }],
      [
        'ConfigPatch',
        { faults: [{ ...rule, deployment: 'chat' }], openai_deployments: { chat: { latency: null } } },
      ],
      [
        'ResourcePatch',
        { faults: null, deployments: { chat: { faults: [rule] } }, latency: { time_scale: 2 } },
      ],
      [
        'ResourceEntry',
        { keys: ['a-key'], recording_dir: 'other', deployments: { chat: { model: 'gpt-4o' } } },
      ],
      ['IncidentTimetable', { start_after: '30s', phases: [{ name: 'a', minutes: 1, faults: [rule] }] }],
    ]
    expect(valid.map(([name, value]) => schemaProblem(document, ref(name), value))).toEqual(
      valid.map(() => undefined),
    )
    const invalid: [string, unknown][] = [
      ['Deployment', { model: 'gpt-4o', latency: { prompt_ms_per_token: -1 } }],
      ['Deployment', { model: 'gpt-4o', faults: [{ probability: 2, fault: 'cut' }] }],
      ['ConfigPatch', { faults: [{ probability: 1, fault: { kind: 'error', error: 'none' } }] }],
      ['ResourcePatch', { deployments: { chat: { latency: { burst: { tokens: [0, 5] } } } } }],
      ['ResourceEntry', { incidents: {} }],
      ['IncidentTimetable', { phases: [{ name: 'a', latency: { first_token_factor: -1 } }] }],
    ]
    expect(invalid.flatMap(([name, value]) => schemaProblem(document, ref(name), value) ?? [])).toHaveLength(
      invalid.length,
    )
  })

  it('has the position, the unit and the default of every setting that can change', () => {
    for (const form of ['Config', 'ConfigPatch']) {
      for (const [place, { unit, default: usual }] of patchableSettings()) {
        const schema = place
          .split('.')
          .reduce((node, key) => node['properties'][key], document['components'].schemas[form])
        expect(schema.description).toContain(unit ?? '')
        expect(schema.description).toContain(usual ?? 'null')
      }
    }
  })

  it('has every key of a deployment', () => {
    const keys = Object.keys(deploymentEntrySchema.shape).map((key) =>
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    )
    const { properties } = document['components'].schemas.Deployment
    expect(Object.keys(properties)).toEqual(keys)
    for (const schema of Object.values(properties as Record<string, Node>)) {
      expect(schema['description']).toBeTypeOf('string')
      expect(schema['type'] ?? schema['enum'] ?? schema['anyOf']).toBeDefined()
    }
  })

  it('response schemas reject answers of another shape', async () => {
    const { ask } = createAdminApi(app)
    const { body } = await ask('GET', '/++/config')
    const schema = { $ref: '#/components/schemas/Config' }
    expect(schemaProblem(document, schema, body)).toBeUndefined()
    expect(schemaProblem(document, schema, { ...body, region: 5 })).toContain('region')
    expect(schemaProblem(document, schema, { ...body, extra: 5 })).toContain('additional')
    const strange = { ...body, openai_deployments: { a: { model: 'gpt-4o', tpm: 1 } } }
    expect(schemaProblem(document, schema, strange)).toContain('unevaluated')
  })
})
