import * as z from 'zod'
import { allEfforts, type CapabilityChanges } from '../wire/models/model-capabilities.ts'
import { catalogueRows } from '../wire/models/model-catalogue-data.ts'
import type { CatalogueRow } from '../wire/models/model-catalogue-row.ts'
import {
  builtInCatalogue,
  createModelCatalogue,
  nearestModelNames,
  type ModelCatalogue,
} from '../wire/models/model-catalogue.ts'
import {
  operations,
  isModelOperation,
  supportedBy,
  type ModelOperation,
  type Operation,
} from '../wire/route.ts'
import { shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { parseMappingFile, type Input } from './mapping-file.ts'
import { describeProblems, type ProblemWords } from './zod-problems.ts'

/** The built-in catalogue with the changes of a model file, and all problems. */
export interface ModelCatalogueFile {
  readonly catalogue: ModelCatalogue
  readonly problems: readonly string[]
}

const modelOperations = (Object.keys(operations) as Operation[])
  .filter(isModelOperation)
  .filter((operation) => supportedBy(operation) === operation)

const tokensRule = 'must be an integer of at least 0'
const tokens = z.int(tokensRule).min(0, tokensRule)
const positiveRule = 'must be a number above 0'
const positive = z.number(positiveRule).positive(positiveRule)
const sizeRule = 'must be an integer of at least 1'
const textRule = 'must be text that is not empty'
const text = z.string(textRule).min(1, textRule)
const yesOrNo = z.boolean('must be true or false')
const operationsRule = `must be a list of ${modelOperations.join(', ')}`

function listOf(names: readonly [string, ...string[]]) {
  const rule = `must be a list of ${names.join(', ')}`
  return z.array(z.enum(names, rule), rule).optional()
}

function choiceOf<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, `must be one of ${names.join(', ')}`).optional()
}

const flag = yesOrNo.optional()
const supportRule = 'must be accepted, unsupported, unknown or default'
const parameterSupport = z.enum(['accepted', 'unsupported', 'unknown', 'default'], supportRule)
const topPRule = 'must be a number from 0 to 1'

/** The capabilities of a model (`ModelCapabilities`). The given ones replace those of its family. */
const capabilitiesSchema = z.strictObject(
  {
    efforts: listOf(allEfforts),
    responsesEfforts: listOf(allEfforts),
    summaries: listOf(['concise', 'detailed']),
    defaultEffort: choiceOf(allEfforts),
    adaptiveReasoning: flag,
    parameters: z
      .record(
        z.string(),
        parameterSupport,
        'must map names of parameters to accepted, unsupported, unknown or default',
      )
      .optional(),
    unknownMembers: choiceOf(['unrecognized', 'unknown-parameter']),
    unknownToolMembers: choiceOf(['refuse', 'ignore']),
    systemRole: flag,
    developerRole: flag,
    streaming: flag,
    toolsWithReasoning: choiceOf(['accepted', 'effort-refused', 'refused']),
    parallelToolCalls: flag,
    vision: flag,
    files: flag,
    chatFiles: flag,
    audioInput: flag,
    audioOutput: flag,
    cacheRetentions: listOf(['in_memory', '24h']),
    cacheBreakpoints: flag,
    encryptedReasoning: flag,
    includes: z.array(text, 'must be a list of values of include').optional(),
    serviceTiers: listOf(['auto', 'default', 'priority', 'flex']),
    maxPriorityTokens: z.int(tokensRule).min(0, tokensRule).optional(),
    jsonMode: flag,
    structuredOutputs: flag,
    verbosities: listOf(['low', 'medium', 'high']),
    maxChoices: z.int(sizeRule).min(1, sizeRule).optional(),
    maxTopLogprobs: z.int(tokensRule).min(0, tokensRule).optional(),
    defaultTopP: z.number(topPRule).min(0, topPRule).max(1, topPRule).optional(),
    commandTools: listOf(['shell', 'apply_patch', 'local_shell']),
    phase: flag,
  } satisfies Record<keyof CapabilityChanges, z.ZodType>,
  { error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping of capabilities' : undefined) },
)

const fieldsSchema = z.strictObject(
  {
    aliases: z.array(text, 'must be a list of names').optional(),
    /** Newest first. */
    versions: z.array(text, 'must be a list of versions with the newest first').optional(),
    answersAs: text.optional(),
    encoding: z.enum(['cl100k_base', 'o200k_base'], 'must be cl100k_base or o200k_base').optional(),
    contextTokens: tokens.optional(),
    maxOutputTokens: tokens.optional(),
    operations: z
      .array(z.enum(modelOperations as [ModelOperation], operationsRule), operationsRule)
      .optional(),
    reasoning: yesOrNo.optional(),
    capabilities: capabilitiesSchema.optional(),
    embeddingSize: z.int(sizeRule).min(1, sizeRule).optional(),
    shortensEmbeddings: yesOrNo.optional(),
    requestsPerThousandTokens: positive.optional(),
    retires: z.iso.date('must be a date such as 2030-01-31').optional(),
    provisioned: z
      .strictObject({ inputTokensPerMinutePerPtu: positive, outputToInputRatio: positive })
      .optional(),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping of its properties' : undefined) },
)
type Fields = z.output<typeof fieldsSchema>

/**
 * A model in the model file (docs/models.md). A new model needs `contextTokens`, `maxOutputTokens` and `operations`. For a known
 * model, the given properties replace its own.
 */
export interface ModelOptions extends Input<typeof fieldsSchema> {}

/** Required properties of a new model. */
const needed = ['contextTokens', 'maxOutputTokens', 'operations'] as const

const MAX_PROBLEMS = 50

/**
 * Parses a model file in JSON or YAML, which maps names of models to properties. For a name in the built-in catalogue, the
 * properties replace those of that model. Any other name adds a model.
 */
export function parseModelCatalogueFile(source: string, path: string): ModelCatalogueFile {
  const file = parseMappingFile(source, path, 'must map model names to their properties')
  const problems = [...file.problems]
  let unchecked = 0
  const rows = Object.entries(file.entries ?? {}).flatMap(([name, entry]) => {
    if (problems.length >= MAX_PROBLEMS) {
      unchecked++
      return []
    }
    const resolved = resolveModel(name, entry)
    problems.push(...resolved.problems.map((problem) => `${path}: ${problem}`))
    return resolved.row ?? []
  })
  if (unchecked > 0)
    problems.push(`${path}: ${unchecked} more models were not checked. Fix the problems above first.`)
  const catalogue = rows.length === 0 ? builtInCatalogue : createModelCatalogue([...rows, ...otherRows(rows)])
  return { catalogue, problems }
}

/** Models of the file precede the built-in ones, so that they can take over aliases. */
function otherRows(rows: readonly CatalogueRow[]): CatalogueRow[] {
  const names = new Set(rows.map(({ name }) => name))
  return catalogueRows.filter(({ name }) => !names.has(name))
}

function resolveModel(name: string, entry: unknown): { row?: CatalogueRow; problems: readonly string[] } {
  const location = JSON.stringify(shortText(name))
  const parsed = fieldsSchema.safeParse(entry)
  if (!parsed.success) {
    return { problems: describeProblems(parsed.error, entry, location, words) }
  }
  const known = catalogueRows.find((row) => row.name === name)
  const row = known ? { ...known, ...given(parsed.data) } : newRow(name, parsed.data)
  if (row) return { row, problems: [...sizeProblems(row, location), ...effortProblems(row, location)] }
  const missing = needed.filter((field) => parsed.data[field] === undefined).join(', ')
  const near = nearestModelNames(name)
  const hint = near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`
  return { problems: [`${location} is a new model and needs ${missing}. Add them.${hint}`] }
}

function newRow(name: string, fields: Fields): CatalogueRow | undefined {
  const { contextTokens, maxOutputTokens, operations: operationsOf } = fields
  if (contextTokens === undefined || maxOutputTokens === undefined || !operationsOf) return undefined
  return { ...given(fields), name, contextTokens, maxOutputTokens, operations: operationsOf }
}

function given(fields: Fields): Partial<CatalogueRow> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries)
}

/** Efforts need a reasoning model, and the default must be one of them. */
function effortProblems(row: CatalogueRow, location: string): string[] {
  const { efforts, responsesEfforts, defaultEffort } = row.capabilities ?? {}
  if ((efforts ?? responsesEfforts ?? defaultEffort) === undefined) return []
  if (!row.reasoning)
    return [`${location}.capabilities has efforts of a model without reasoning. Set reasoning to true.`]
  const [model] = createModelCatalogue([row]).models
  const { capabilities } = model ?? {}
  const supported = [...(capabilities?.efforts ?? []), ...(capabilities?.responsesEfforts ?? [])]
  const effort = capabilities?.defaultEffort
  if (!effort || supported.includes(effort)) return []
  return [
    `${location}.capabilities.defaultEffort must be one of its efforts (got ${JSON.stringify(effort)}). Set it to ${supported[0] ?? 'one of them'}, for example.`,
  ]
}

function sizeProblems({ operations: list, embeddingSize }: CatalogueRow, location: string): string[] {
  if (!list.includes('embeddings') || embeddingSize !== undefined) return []
  return [`${location}.embeddingSize is required for an embedding model. Set it to 1536, for example.`]
}

const words: ProblemWords = {
  otherwise: 'See docs/models.md.',
  unknownKey: (key) => {
    const known = [...Object.keys(fieldsSchema.shape), ...Object.keys(capabilitiesSchema.shape)]
    const [nearest] = nearestNames(key, known, 1)
    const hint =
      nearest === undefined ? `The properties are ${known.join(', ')}.` : `Did you mean ${nearest}?`
    return `is not a property of a model. ${hint}`
  },
}
