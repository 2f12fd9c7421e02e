import type * as z from 'zod'
import { isRecord } from '../lib/record.ts'
import { builtInCatalogue } from '../wire/models/model-catalogue.ts'
import { reservedResourceNames } from '../wire/route.ts'
import { deploymentKeys } from './deployment-keys.ts'
import { deploymentLatencySchema } from './deployment-latency.ts'
import { distributionSchema } from './distribution.ts'
import { anyRule, faultSchema, ownRule } from './fault-rules.ts'
import { defaultUpstream, mapValues, settingsByName, upstreamSettingsByName } from './file-settings.ts'
import { jsonOf, mappingSchema, settingSchema, variable, variableRef } from './file-json-schema.ts'
import { incidentSchema } from './incident-file.ts'
import { camelKey, snakeKey } from './mapping-file.ts'
import type { JsonSchema } from './patch-json-schema.ts'
import { deploymentEntrySchema, numberKeys, oldKeys } from './resolve-deployment.ts'
import { isResourceSetting } from './resource-entry.ts'
import { setAt, settingName } from './settings-table.ts'

/** Returns the JSON Schema of the configuration file, of draft 7, which editors support best. */
export function configFileSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of aoai-simulated-api',
    description: 'The file that SIMULATOR_CONFIG (--config) names. All sections are optional.',
    type: 'object',
    properties: {
      $schema: { type: 'string', description: 'The schema of this file, for editors.' },
      settings: settingsSection(),
      upstreams: upstreamsSection(),
      deployments: {
        ...deploymentMap('Deployments of the default resource by name. Absent: the default set.'),
        examples: [{ chat: { model: 'gpt-4o-mini', tokens_per_minute: 60_000 } }],
      },
      resources: {
        description:
          'Further resources by name. Each is below a path prefix with its name. They inherit the settings of the default resource.',
        type: ['object', 'null'],
        propertyNames: { pattern: '^[a-z0-9][a-z0-9-]{0,63}$', not: { enum: [...reservedResourceNames] } },
        additionalProperties: { $ref: '#/definitions/resource' },
        examples: [{ acme: { region: 'Sweden Central', keys: [{ env: 'ACME_KEY' }], deployments: {} } }],
      },
      faults: {
        description: 'Faults for all deployments of the default resource (docs/faults.md).',
        type: ['array', 'null'],
        items: { $ref: '#/definitions/fault' },
        examples: [[{ probability: 0.05, fault: 'serverError' }]],
      },
      incidents: {
        description: 'Timetable of incidents, which begins at start (docs/incidents.md).',
        anyOf: [{ $ref: '#/definitions/incidents' }, { type: 'null' }],
        examples: [{ phases: [{ name: 'slow', minutes: 5, latency: { first_token_factor: 4 } }] }],
      },
    },
    additionalProperties: false,
    definitions: {
      variable,
      upstream: upstreamSchema(),
      deployment: deploymentSchema(),
      latency: inFile(jsonOf(deploymentLatencySchema), '#/definitions/latency'),
      deployment_fault: faultRuleSchema(ownRule, '#/definitions/deployment_fault'),
      fault: faultRuleSchema(anyRule, '#/definitions/fault'),
      fault_kind: inFile(jsonOf(faultSchema), '#/definitions/fault_kind'),
      distribution: inFile(jsonOf(distributionSchema), '#/definitions/distribution'),
      incidents: incidentsSchema(),
      key: keySchema,
      resource: resourceSchema(),
    },
  }
}

function settingsSection(): JsonSchema {
  const root: Record<string, unknown> = {}
  for (const [name, setting] of settingsByName) setAt(root, name.split('.'), new Leaf(settingSchema(setting)))
  return {
    ...groupSchema(root, '#/properties/settings'),
    type: ['object', 'null'],
    description:
      'Settings. Flags, variables and .env override them. Relative paths start at the working directory.',
    examples: [{ region: 'Sweden Central', latency: { time_scale: 0.5 }, port: 9_000 }],
  }
}

class Leaf {
  readonly schema: JsonSchema
  constructor(schema: JsonSchema) {
    this.schema = schema
  }
}

function groupSchema(tree: Readonly<Record<string, unknown>>, pointer: string): JsonSchema {
  const properties = mapValues(tree, (part, key) =>
    part instanceof Leaf ? part.schema : groupSchema(part as typeof tree, `${pointer}/properties/${key}`),
  )
  return mappingSchema(properties, pointer)
}

/** Converts the schema of a part of a file: keys in snake_case or camelCase, scalars also as variables, keys with descriptions. */
function inFile(schema: Readonly<Record<string, unknown>>, pointer: string): JsonSchema {
  const { properties, items, required } = schema
  const lists = (['anyOf', 'oneOf'] as const).filter((key) => Array.isArray(schema[key]))
  const inside = (name: string): JsonSchema => {
    const parts = schema[name] as readonly JsonSchema[]
    return { [name]: parts.map((part, index) => inFile(part, `${pointer}/${name}/${index}`)) }
  }
  if (isRecord(properties)) {
    const named = Object.entries(properties).map(([key, part]) => {
      const name = snakeKey(key)
      return [name, described(key, inFile(part as JsonSchema, `${pointer}/properties/${name}`))]
    })
    return {
      ...mappingSchema(Object.fromEntries(named) as JsonSchema, pointer),
      // A required key can have either spelling.
      ...requiredKeys(Array.isArray(required) ? required.map(String) : []),
    }
  }
  if (lists.length > 0) return Object.assign({}, schema, ...lists.map(inside)) as JsonSchema
  if (Array.isArray(items)) return { ...schema, ...inside('items') }
  if (isRecord(items)) return { ...schema, items: inFile(items, `${pointer}/items`) }
  if (schema['$ref'] !== undefined) return { anyOf: [schema] }
  if (schema['const'] !== undefined || Object.keys(schema).length === 0) return schema
  const { default: fallback, ...scalar } = schema
  return { anyOf: [scalar, variableRef], ...(isShown(fallback) && { default: fallback }) }
}

function isShown(fallback: unknown): boolean {
  return fallback !== undefined && fallback !== null && fallback !== Infinity
}

function requiredKeys(keys: readonly string[]): JsonSchema {
  const spelled = keys.map((key) => [...new Set([snakeKey(key), camelKey(snakeKey(key))])])
  const single = spelled.filter((names) => names.length === 1).flat()
  const either = spelled.filter((names) => names.length > 1)
  return {
    ...(single.length > 0 && { required: single }),
    ...(either.length > 0 && {
      allOf: either.map((names) => ({ anyOf: names.map((name) => ({ required: [name] })) })),
    }),
  }
}

function described(key: string, schema: JsonSchema): JsonSchema {
  const text = keyDescriptions[key]
  return text === undefined ? schema : { description: text, ...schema }
}

function deploymentMap(description: string): JsonSchema {
  return {
    description,
    type: ['object', 'null'],
    propertyNames: {
      maxLength: 256,
      pattern: String.raw`^[\x21-\x7e\xa1-\xff]([\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa1-\xff])?$`,
    },
    additionalProperties: { $ref: '#/definitions/deployment' },
  }
}

function deploymentSchema(): JsonSchema {
  const pointer = '#/definitions/deployment'
  const { properties } = jsonOf(deploymentEntrySchema) as { properties: Record<string, JsonSchema> }
  const named = Object.entries(properties).map(([key, checked]) => [
    snakeKey(key),
    deploymentKey(key, checked),
  ])
  const aliases = Object.entries(oldKeys).flatMap(([old, key]) =>
    [...new Set([old, snakeKey(old)])].map((name) => [name, snakeKey(key)]),
  )
  return {
    ...mappingSchema(
      Object.fromEntries(named) as JsonSchema,
      pointer,
      Object.fromEntries(aliases) as Record<string, string>,
    ),
    anyOf: [{ required: ['model'] }, { required: ['upstream'] }],
  }
}

function deploymentKey(key: string, checked: JsonSchema): JsonSchema {
  const { meaning, range, whenAbsent } = deploymentKeys[key as keyof typeof deploymentKeys]
  const description = `${meaning}. Range: ${range}. Default: ${whenAbsent}.`
  if (key === 'latency') return { description, anyOf: [{ $ref: '#/definitions/latency' }] }
  if (key === 'faults')
    return { description, type: 'array', items: { $ref: '#/definitions/deployment_fault' } }
  const pattern = String.raw`^\s*[+-]?\d+(_\d+)*\s*$`
  const { enum: numbers } = checked
  const text = Array.isArray(numbers) ? { enum: [...numbers, ...numbers.map(String)] } : { pattern }
  const scalar = numberKeys.has(key) ? { ...checked, type: ['integer', 'string'], ...text } : checked
  return {
    description,
    anyOf: [scalar, variableRef],
    ...(key === 'model' && { examples: builtInCatalogue.models.map(({ name }) => name) }),
  }
}

function faultRuleSchema(rule: z.ZodType, pointer: string): JsonSchema {
  const json = jsonOf(rule)
  return inFile({ ...json, required: ['probability', 'fault'] }, pointer)
}

function incidentsSchema(): JsonSchema {
  const schema = inFile(jsonOf(incidentSchema), '#/definitions/incidents') as {
    readonly properties: {
      readonly phases: { readonly items: { readonly properties: Record<string, unknown> } }
    }
  }
  schema.properties.phases.items.properties['faults'] = {
    description: 'Faults during the phase.',
    type: 'array',
    items: { $ref: '#/definitions/fault' },
  }
  return schema
}

function upstreamsSection(): JsonSchema {
  const ref = { $ref: '#/definitions/upstream' }
  return {
    description:
      'Real services by name, which deployments and resources can name. Requests without an upstream use the one with the name default, which the variables AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_KEY override.',
    type: ['object', 'null'],
    properties: { [defaultUpstream]: ref },
    propertyNames: { pattern: String.raw`^[\w.-]{1,64}$` },
    additionalProperties: {
      allOf: [ref, { required: ['endpoint'], anyOf: [{ required: ['key'] }, { required: ['credential'] }] }],
    },
    examples: [
      {
        east: { endpoint: 'https://my-resource.openai.azure.com', key: { env: 'EAST_KEY' } },
        foundry: { endpoint: 'https://my-foundry.services.ai.azure.com', credential: 'entra' },
      },
    ],
  }
}

function upstreamSchema(): JsonSchema {
  const properties = [...upstreamSettingsByName].map(([key, setting]) => [key, settingSchema(setting)])
  return mappingSchema(Object.fromEntries(properties) as JsonSchema, '#/definitions/upstream')
}

const keyText = { type: 'string', pattern: String.raw`^[\x21-\x7e]{1,256}$` }

const keySchema: JsonSchema = {
  description: 'A key of clients: text, a variable, or the SHA-256 of the text.',
  anyOf: [
    keyText,
    {
      type: 'object',
      properties: {
        env: { type: 'string', minLength: 1, description: 'Name of the variable with the key.' },
        key: { ...keyText, description: 'The key. Secret.' },
        hash: {
          type: 'string',
          pattern: String.raw`^[\da-f]{64}$`,
          description: 'SHA-256 of the key in hexadecimal digits.',
        },
        id: {
          type: 'string',
          pattern: String.raw`^[\w.-]{1,64}$`,
          description: 'Id in the admin API. Default: derived from the key.',
        },
        label: { type: ['string', 'null'], maxLength: 100, description: 'Name for people.' },
        enabled: {
          type: 'boolean',
          default: true,
          description: 'Whether requests with the key are accepted.',
        },
      },
      additionalProperties: false,
      oneOf: [{ required: ['env'] }, { required: ['key'] }, { required: ['hash'] }],
    },
  ],
}

function resourceSchema(): JsonSchema {
  const own = [...settingsByName.values()].filter(isResourceSetting)
  const names = [...new Set(own.map((setting) => settingName(setting).split('.')[0] ?? ''))]
  const settings = names.map((name) => [name, { $ref: `#/properties/settings/properties/${name}` }])
  const properties = {
    keys: {
      description: 'Keys of clients of the resource.',
      type: 'array',
      maxItems: 100,
      items: { $ref: '#/definitions/key' },
    },
    deployments: deploymentMap('Deployments of the resource by name. Absent: none.'),
    faults: {
      description: 'Faults for all deployments of the resource.',
      type: ['array', 'null'],
      items: { $ref: '#/definitions/fault' },
    },
    incidents: {
      description: 'Timetable of incidents of the resource.',
      anyOf: [{ $ref: '#/definitions/incidents' }, { type: 'null' }],
    },
    upstream: {
      description: 'Name of one of the upstreams. Absent: that of the default resource.',
      anyOf: [{ type: 'string' }, variableRef, { type: 'null' }],
    },
    ...(Object.fromEntries(settings) as JsonSchema),
  }
  return mappingSchema(properties, '#/definitions/resource')
}

/** Descriptions of keys of faults, latency and incidents. */
const keyDescriptions: Readonly<Record<string, string>> = {
  name: 'Name in metrics, headers and logs.',
  probability: 'Share of the matching requests, from 0 to 1.',
  operation: 'Only requests of this operation. Absent: all.',
  serviceTier: 'Only requests that ask for this tier. Absent: all.',
  stream: 'true: streams only; false: whole answers only. Absent: both.',
  deployment: 'Only this deployment. Absent: all.',
  fault: 'What happens: a word, or a mapping with a kind (docs/faults.md).',
  kind: 'Kind of the fault.',
  error: 'Name of an error of the service.',
  retryAfterSeconds: 'retry-after of the answer, in seconds.',
  ms: 'Time in milliseconds.',
  afterEvents: 'Events of the stream before the fault.',
  afterShare: 'Share of the answer before the fault, between 0 and 1.',
  order: 'Order of the two events.',
  type: 'type of the reported error.',
  code: 'code of the reported error.',
  message: 'message of the reported error.',
  parts: 'Pieces of the event.',
  gapMs: 'Time between the pieces, in milliseconds.',
  text: 'Text of the refusal.',
  finds: 'What the content filter finds.',
  category: 'Category of the content. Default: violence.',
  profile: 'Built-in profile (docs/timing.md). The other keys override it.',
  firstToken: 'Time to the first token, in milliseconds or as a distribution.',
  perToken: 'Time of each token, in milliseconds or as a distribution.',
  perRequest: 'Time of a request, for models that return no tokens.',
  promptMsPerToken: 'Time for each token of the prompt, in milliseconds.',
  reasoningMsPerToken: 'Time of each reasoning token, in milliseconds. Default: that of perToken.',
  burst: 'Groups in which tokens are sent, or off.',
  interval: 'Time between groups, in milliseconds or as a distribution.',
  tokens: 'Minimum and maximum tokens of a group.',
  load: 'Slowdown under load.',
  slowdown: 'Added share of each time at full load.',
  exponent: 'Form of the growth; 1 is linear.',
  requests: 'Other requests at full load. Default: concurrency.slots.',
  tiers: 'Factors of requests of other service tiers.',
  concurrency: 'Limit of concurrent requests, with a queue.',
  slots: 'Concurrent requests.',
  queueLength: 'Waiting requests. Further ones get 429.',
  queueTimeoutMs: 'Maximum wait in milliseconds. Then 503.',
  distribution: 'Kind of the distribution.',
  phases: 'Phases in the order of time.',
  repeat: 'true, or the number of rounds. Default: one round.',
  startAfter: 'Wait before the first round.',
  at: 'Start of the phase. Default: the end of the previous one.',
  duration: 'Duration of the phase. Only one of duration, minutes and seconds.',
  minutes: 'Duration in minutes.',
  seconds: 'Duration in seconds.',
  latency: 'Factors of latency.',
  firstTokenFactor: 'Factor of the time to the first token.',
  perTokenFactor: 'Factor of the time of each token.',
  limits: 'Factor of the limits.',
  factor: 'Factor from 0.01 to 1,000.',
}
