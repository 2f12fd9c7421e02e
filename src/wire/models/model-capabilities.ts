import { capabilityRows } from './model-capability-rows.ts'

/** What chat completions does with a parameter that the model does not accept like others. */
export type ParameterSupport =
  /** Refused: `Unsupported parameter: 'stop' is not supported with this model.` */
  | 'unsupported'
  /** Refused like an unknown member (`unknownMembers`). */
  | 'unknown'
  /** Only its default is accepted while the model reasons, that is with an effort other than `none`. */
  | 'default'

/** What a model accepts and does, apart from its limits. All values are frozen. Models of a family share one object. */
export interface ModelCapabilities {
  /** Efforts that chat completions accepts, in the order of the service's messages. Empty without `reasoning_effort`. */
  readonly efforts: readonly string[]
  /** Efforts that the Responses API accepts. */
  readonly responsesEfforts: readonly string[]
  /** Summaries of reasoning that responses accept beside `auto`. */
  readonly summaries: readonly string[]
  /** Effort of requests without one. Null for models without reasoning. */
  readonly defaultEffort: string | null
  /**
   * Whether the model decides by the prompt whether it reasons. Other reasoning models always do, unless the effort is `none` or
   * `minimal`, so that a small limit leaves no room for text.
   */
  readonly adaptiveReasoning: boolean
  /** Parameters of chat completions that the model does not accept like others. Parameters that are not listed are accepted. */
  readonly parameters: Readonly<Record<string, ParameterSupport>>
  /** How chat completions refuses unknown members: `Unrecognized request argument supplied: x` or `Unknown parameter: 'x'.` */
  readonly unknownMembers: 'unrecognized' | 'unknown-parameter'
  /** Whether chat completions refuses or ignores unknown members of tools. */
  readonly unknownToolMembers: 'refuse' | 'ignore'
  /** Whether messages can have the role `system`. */
  readonly systemRole: boolean
  /** Whether messages can have the role `developer`. */
  readonly developerRole: boolean
  readonly streaming: boolean
  /**
   * Function tools in chat completions while the model reasons: accepted, refused if the request sets an effort other than `none`
   * (`effort-refused`), or refused with the default effort too (`refused`). The texts of the two refusals differ.
   */
  readonly toolsWithReasoning: 'accepted' | 'effort-refused' | 'refused'
  /** Whether an answer can have several tool calls. Otherwise chat completions refuses `parallel_tool_calls`. */
  readonly parallelToolCalls: boolean
  /** Whether messages can have images. */
  readonly vision: boolean
  /** Whether the input of a response can have files. */
  readonly files: boolean
  /** Whether messages of chat completions can have files. Azure refuses them for most models. */
  readonly chatFiles: boolean
  /** Whether messages can have audio. */
  readonly audioInput: boolean
  /** Whether an answer can have audio (`modalities`). */
  readonly audioOutput: boolean
  /** Values of `prompt_cache_retention`, first the default. Empty if the model refuses the parameter. */
  readonly cacheRetentions: readonly string[]
  /** Whether requests can have `prompt_cache_options` and `prompt_cache_breakpoint`, and answers report tokens written to the cache. */
  readonly cacheBreakpoints: boolean
  /** Whether `include` can have `reasoning.encrypted_content`. */
  readonly encryptedReasoning: boolean
  /** Values of `include` of the Responses API, in the order of the service's message. */
  readonly includes: readonly string[]
  /** Tiers that can process requests of pay-as-you-go deployments, and `auto`. */
  readonly serviceTiers: readonly string[]
  /** Tokens of the longest prompt that the priority tier processes. */
  readonly maxPriorityTokens: number
  /** Whether `json_object` is a response format. */
  readonly jsonMode: boolean
  /** Whether `json_schema` is a response format. */
  readonly structuredOutputs: boolean
  /** Values of `verbosity`. */
  readonly verbosities: readonly string[]
  /** Maximum `n`. */
  readonly maxChoices: number
  /** Maximum `top_logprobs` of chat completions. */
  readonly maxTopLogprobs: number
  /** `top_p` in responses to requests without one. */
  readonly defaultTopP: number
  /** Tools of the Responses API with which the model runs commands and changes files. */
  readonly commandTools: readonly string[]
  /** Whether messages of a response have `phase`. */
  readonly phase: boolean
}

/** What a row of the table sets. `parameters` are added to those of earlier rows; `accepted` removes one of them. */
export type CapabilityChanges = Omit<Partial<ModelCapabilities>, 'parameters'> & {
  readonly parameters?: Readonly<Record<string, ParameterSupport | 'accepted'>>
}

/** A row of the table. Later rows change what earlier rows set. */
export interface CapabilityRow {
  /** Matches the name with the version (`gpt-4o-2024-05-13`), or the name of a model without versions. */
  readonly models: RegExp
  /** Whether the row is for models with reasoning, without, or for both (absent). */
  readonly reasoning?: boolean
  readonly changes: CapabilityChanges
}

/** All efforts of the service, in the order of its messages. */
export const allEfforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

/** The values of `include` that the service lists in its message. */
const includes: readonly string[] = [
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'message.input_image.image_url',
  'computer_call_output.output.image_url',
  'code_interpreter_call.outputs',
  'reasoning.encrypted_content',
  'message.output_text.logprobs',
]

/** Capabilities before all rows. */
const defaults: ModelCapabilities = {
  efforts: [],
  responsesEfforts: [],
  summaries: ['concise', 'detailed'],
  defaultEffort: null,
  adaptiveReasoning: false,
  parameters: {},
  unknownMembers: 'unrecognized',
  unknownToolMembers: 'ignore',
  systemRole: true,
  developerRole: true,
  streaming: true,
  toolsWithReasoning: 'accepted',
  parallelToolCalls: true,
  vision: true,
  files: true,
  chatFiles: false,
  audioInput: false,
  audioOutput: false,
  cacheRetentions: [],
  cacheBreakpoints: false,
  encryptedReasoning: false,
  includes,
  serviceTiers: ['auto', 'default'],
  maxPriorityTokens: Infinity,
  jsonMode: true,
  structuredOutputs: true,
  verbosities: ['medium'],
  maxChoices: 128,
  maxTopLogprobs: 20,
  defaultTopP: 1,
  commandTools: [],
  phase: false,
}

/** What the capabilities of a model depend on. */
export interface CapabilityKey {
  readonly name: string
  readonly version?: string
  readonly reasoning: boolean
}

/** Capabilities by the numbers of the rows that made them, so that models of a family share one object. */
const madeFromRows = new Map<string, ModelCapabilities>()

/** Returns the capabilities of a model: the defaults with the changes of all rows that match. */
export function capabilitiesOf({ name, version, reasoning }: CapabilityKey): ModelCapabilities {
  const id = version === undefined ? name : `${name}-${version}`
  const matching = [...capabilityRows.keys()].filter((index) => {
    const row = capabilityRows[index]
    return row?.models.test(id) === true && (row.reasoning ?? reasoning) === reasoning
  })
  const key = matching.join()
  const made =
    madeFromRows.get(key) ??
    matching.reduce(
      (capabilities, index) => changed(capabilities, capabilityRows[index]?.changes ?? {}),
      defaults,
    )
  madeFromRows.set(key, made)
  return made
}

/** Returns frozen capabilities with the given changes. Efforts of chat completions apply to responses too, unless both are given. */
export function changed(before: ModelCapabilities, changes: CapabilityChanges): ModelCapabilities {
  const { parameters: changedParameters = {}, ...others } = changes
  const parameters: Record<string, ParameterSupport> = { ...before.parameters }
  for (const [name, support] of Object.entries(changedParameters)) {
    if (support === 'accepted') delete parameters[name]
    else parameters[name] = support
  }
  const both = changes.efforts && { responsesEfforts: changes.efforts }
  return frozen({ ...before, ...both, ...others, parameters })
}

function frozen(capabilities: ModelCapabilities): ModelCapabilities {
  for (const value of Object.values(capabilities)) Object.freeze(value)
  return Object.freeze(capabilities)
}
