import type { Choice, Completion } from '../answer/completion.ts'
import type { Random } from '../lib/random.ts'
import type { TokenCounter } from '../tokens/encoding.ts'
import type { ChatMessage } from '../wire/chat/chat-request.ts'
import type { DataSource } from '../wire/chat/data-sources.ts'
import { drawLorem } from './lorem.ts'

/** What a data source returned for a request. */
export interface Retrieved {
  /** `context` of the answer. */
  readonly context: Readonly<Record<string, unknown>>
  /** Tokens of the documents and the role information, which are part of the prompt. */
  readonly tokens: number
}

const DEFAULT_DOCUMENTS = 5

/** Tokens of a part of a document. The service splits documents into parts of 1,024 tokens at most. */
const MIN_DOCUMENT_TOKENS = 60
const MAX_DOCUMENT_TOKENS = 240

/** Draws what the data source returns: `top_n_documents` parts of documents in lorem, with names from its index. */
export function retrieve(
  { parameters }: DataSource,
  messages: readonly ChatMessage[],
  counter: TokenCounter,
  random: Random,
): Retrieved {
  const { top_n_documents: count, role_information: role, include_contexts: included } = parameters
  const queries = [lastQuestion(messages)]
  let tokens = role ? counter.count(role) : 0
  const citations: object[] = []
  const documents: object[] = []
  for (let index = 0; index < (count ?? DEFAULT_DOCUMENTS); index++) {
    const length = MIN_DOCUMENT_TOKENS + random.below(MAX_DOCUMENT_TOKENS - MIN_DOCUMENT_TOKENS)
    const { text } = drawLorem(random, length)
    tokens += length
    const citation = { content: text, ...namesOf(parameters, index + 1), chunk_id: '0' }
    citations.push(citation)
    documents.push({
      ...citation,
      search_queries: queries,
      data_source_index: 0,
      original_search_score: Math.round((9 - index * 0.5 + random.unit()) * 1_000) / 1_000,
    })
  }
  const contexts = { citations, intent: JSON.stringify(queries), all_retrieved_documents: documents }
  const names = included ?? ['citations', 'intent']
  const context = Object.fromEntries(Object.entries(contexts).filter(([name]) => names.includes(name)))
  return { context, tokens }
}

function namesOf(parameters: DataSource['parameters'], number: number): object {
  const {
    index_name: index = 'index',
    endpoint,
    database_name: database,
    container_name: container,
  } = parameters
  const file = `${index}-${number}.md`
  const place = endpoint ?? [database, container].filter(Boolean).join('/')
  return { title: `${index} ${number}`, url: `${place.replace(/\/+$/, '')}/${file}`, filepath: file }
}

/** The service rewrites the conversation to search queries. The simulator uses the last message of the user. */
function lastQuestion(messages: readonly ChatMessage[]): string {
  const content = messages.findLast(({ role }) => role === 'user')?.content
  if (typeof content === 'string') return content
  return content?.map((part) => (part.type === 'text' ? part.text : '')).join(' ') ?? ''
}

/** Adds a reference to the first document at the end of each text. Its tokens are billed. */
export function withReference(completion: Completion, counter: TokenCounter): Completion {
  const reference = ' [doc1]'
  const tokens = counter.count(reference)
  let added = 0
  const choices = completion.choices.map((choice): Choice => {
    if (choice.pieces.length === 0 || choice.finishReason !== 'stop') return choice
    added += tokens
    return {
      ...choice,
      pieces: [...choice.pieces, reference],
      plainText: undefined,
      overheadTokens: choice.overheadTokens + tokens - 1,
    }
  })
  const { usage } = completion
  return { choices, usage: { ...usage, completionTokens: usage.completionTokens + added } }
}
