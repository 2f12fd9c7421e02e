import { comment, propertiesOf, typeOf } from './tool-tokens-schema.ts'

/** A tool as both APIs describe it, once their wrappings are off. */
export interface DescribedTool {
  readonly name: string
  readonly description?: string | null | undefined
  /** JSON schema of the arguments; absent for none, and for tools that take free text. */
  readonly parameters?: unknown
  /** Takes free text in place of arguments; default false. */
  readonly custom?: boolean
}

/** A form that an answer must have, as both APIs describe it. */
export interface DescribedFormat {
  readonly name: string
  readonly description?: string | null | undefined
  readonly schema?: unknown
}

/** What models are shown of a request's tools: a TypeScript namespace. */
export function renderTools(tools: readonly DescribedTool[]): string {
  const types = tools.map((tool) => `${comment(tool.description)}type ${tool.name} = ${signature(tool)};\n\n`)
  return `# Tools\n\n## functions\n\nnamespace functions {\n\n${types.join('')}} // namespace functions`
}

function signature({ parameters, custom }: DescribedTool): string {
  if (custom) return '(input: string) => any'
  if (propertiesOf(parameters).length === 0) return '() => any'
  const { title, type = 'object' } = parameters as { readonly title?: unknown; readonly type?: unknown }
  return `(_: ${comment(title)}${typeOf({ ...(parameters as object), type })}) => any`
}

/** What models are shown of a JSON schema that the answer must follow: the schema itself, without its strictness. */
export function renderFormat({ name, description, schema }: DescribedFormat): string {
  return `# Response Formats\n\n## ${name}\n\n${comment(description)}${JSON.stringify(schema ?? {}, withoutStrictness)}`
}

function withoutStrictness(key: string, value: unknown): unknown {
  const strictness =
    key === 'additionalProperties' || key === '$schema' || (key === 'required' && Array.isArray(value))
  return strictness ? undefined : value
}
