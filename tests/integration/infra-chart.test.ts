import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { needs, runTool } from '../support/installed-tool.ts'

const helm = needs('helm')
const folder = fileURLToPath(new URL('../../infra/helm/aoai-simulated-api', import.meta.url))
const read = (path: string): string => readFileSync(join(folder, path), 'utf8')
const values = parse(read('values.yaml')) as Tree
const schema = JSON.parse(read('values.schema.json')) as Schema
const templates = readdirSync(join(folder, 'templates')).map((file) => ({
  file,
  text: read(`templates/${file}`),
}))

const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema)
const accepts = (change: Tree): boolean => validate({ ...values, ...change })

/** The actions between {{ and }}, without comments. */
function actions(text: string): string[] {
  return [...text.matchAll(/\{\{-?\s*([\s\S]*?)\s*-?\}\}/g)]
    .map(([, action = '']) => action)
    .filter((action) => !action.startsWith('/*'))
}

describe('values.yaml', () => {
  it('matches values.schema.json', () => {
    expect(validate(values) ? [] : validate.errors).toEqual([])
  })

  it('has exactly the values of the schema', () => {
    expect(Object.keys(values).sort()).toEqual(
      Object.keys(schema.properties)
        .filter((name) => name !== 'global')
        .sort(),
    )
  })

  it('has every value that a template reads, and each value is read by a template', () => {
    const text = templates.map((template) => template.text).join('\n')
    const used = [...text.matchAll(/\.Values\.([\w.]+)/g)].map(([, path = '']) => path)
    const missing = used.filter((path) => lookUp(values, path.split('.')) === undefined)
    expect(missing).toEqual([])
    const unread = Object.keys(values).filter((name) => !used.some((path) => path.split('.')[0] === name))
    expect(unread).toEqual([])
  })

  it('runs without privileges: non-root, read-only file system, no capability, no token', () => {
    expect(values['podSecurityContext']).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(values['securityContext']).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(read('templates/deployment.yaml')).toContain('automountServiceAccountToken: false')
  })
})

describe('values.schema.json', () => {
  it.each<[string, Tree]>([
    ['an unknown value', { replicas: 2 }],
    ['a secret among the plain variables', { env: { SIMULATOR_API_KEY: 'secret' } }],
    ['another port', { env: { PORT: '9000' } }],
    ['a variable that is a list', { env: { SIMULATOR_MODE: ['generate'] } }],
    ['a deployment without a model', { deployments: { chat: { tokensPerMinute: 1 } } }],
    ['an unknown section of the configuration file', { config: { upstream: {} } }],
    ['a configuration file without a key', { existingConfig: { configMap: 'a', secret: '', key: '' } }],
    ['a fraction of a pod', { replicaCount: 1.5 }],
    ['a secret that is no text', { secret: { existingSecret: '', values: { REDIS_URL: 1 } } }],
  ])('refuses %s', (_, change) => {
    expect(accepts(change)).toBe(false)
  })

  it.each<[string, Tree]>([
    ['numbers and booleans as settings', { env: { JOURNAL_SIZE: 100, REDIS_REQUIRED: true } }],
    [
      'deployments with what the deployment file takes',
      { deployments: { chat: { model: 'gpt-4o', latency: {} } } },
    ],
    [
      'a share of the pods that may be away',
      { podDisruptionBudget: { enabled: true, maxUnavailable: '50%' } },
    ],
    [
      'a configuration file',
      {
        config: {
          upstreams: { east: { key: { env: 'EAST_KEY' } } },
          deployments: { chat: { upstream: 'east' } },
        },
      },
    ],
    ['watching by polling', { watch: 'poll' }],
  ])('accepts %s', (_, change) => {
    expect(accepts(change)).toBe(true)
  })
})

describe('templates', () => {
  it('mount the files of the ConfigMap where the variables name them', () => {
    const pods = read('templates/deployment.yaml')
    const paths = [
      /"OPENAI_DEPLOYMENT_CONFIG_PATH" "(.+?)"/.exec(pods)?.[1],
      /(\/etc\/simulator\/\S+\.json)/.exec(read('templates/_helpers.tpl'))?.[1],
    ]
    const files = [...read('templates/configmap.yaml').matchAll(/^ {2}(\S+\.json): \|$/gm)]
    expect(files.map(([, file]) => `/etc/simulator/${file}`)).toEqual(paths)
    expect(pods).toContain('mountPath: /etc/simulator\n')
    expect(pods).toContain('mountPath: /etc/simulator-config\n')
  })

  it.each(templates)('$file closes every block', ({ text }) => {
    const opened = actions(text).filter((action) => /^(if|range|with|define|block)\b/.test(action)).length
    const closed = actions(text).filter((action) => action === 'end').length
    expect(opened).toBe(closed)
    expect(text.match(/\{\{/g)?.length).toBe(text.match(/\}\}/g)?.length)
  })

  it.each(templates)('$file includes only templates that _helpers.tpl defines', ({ text }) => {
    const defined = [...read('templates/_helpers.tpl').matchAll(/define "(.+?)"/g)].map(([, name]) => name)
    const included = [...text.matchAll(/include "(.+?)"/g)].map(([, name]) => name)
    expect(defined).toEqual(expect.arrayContaining(included))
  })

  it.skipIf(helm.isMissing)(`are rendered by helm as Kubernetes objects${helm.note}`, () => {
    const set = [
      'image.repository=example.azurecr.io/simulator',
      'secret.existingSecret=keys',
      'replicaCount=2',
    ]
    const on = ['autoscaling', 'ingress', 'serviceMonitor', 'recordings'].map(
      (name) => `${name}.enabled=true`,
    )
    const { status, stdout, stderr } = runTool('helm', [
      'template',
      'simulator',
      folder,
      '--set',
      [...set, ...on].join(','),
    ])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const kinds = parseAllDocuments(stdout).map((document) => (document.toJS() as Tree)['kind'])
    expect(kinds).toContain('Deployment')
    expect(kinds).toContain('HorizontalPodAutoscaler')
  })
})

function lookUp(tree: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path
  if (name === undefined) return tree
  return typeof tree === 'object' && tree !== null ? lookUp((tree as Tree)[name], rest) : undefined
}

type Tree = Readonly<Record<string, unknown>>

interface Schema {
  readonly properties: Readonly<Record<string, object>>
}
