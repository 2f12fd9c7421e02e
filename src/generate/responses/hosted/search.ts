import { isRecord } from '../../../lib/record.ts'
import type { Random } from '../../../lib/random.ts'
import type { WrittenItem } from '../../../wire/responses/response-object.ts'
import type { ClientTool } from '../../completion-task.ts'
import { drawJson } from '../../json/draw-json.ts'
import { drawLorem } from '../../lorem.ts'
import type { ItemContext } from '../draw-items.ts'
import { callId, type DrawCall, hexText, hostedItem, includes, plainCall, queryOf } from './hosted-call.ts'

/**
 * Input tokens that the results of one web search cost: 5,093 and 10,188 for one and two searches with short prompts (captures of
 * gpt-4.1-mini, November 2025).
 */
const WEB_SEARCH_TOKENS = 5_000

/** Reserved domains, so that no generated address belongs to a site. */
const domains = ['www.example.com', 'www.example.org', 'www.example.net']

interface Page {
  readonly title: string
  readonly url: string
  readonly domain: string
}

/** `web_search` and `web_search_preview`: a search, and for reasoning models sometimes an opened page and a text that is found in it. */
export const drawWebSearch: DrawCall = (tool, context, random) => {
  const { request, encoding, model } = context
  const { filters } = tool as { filters?: { allowed_domains?: readonly string[] | null } | null }
  const allowed = filters?.allowed_domains ?? []
  const pages = drawPages(random, allowed.length > 0 ? allowed : domains)
  const query = queryOf(context.question)
  const [cited] = pages as [Page]
  const withSources = includes(request, 'web_search_call.action.sources')
  const sources = pages.map(({ url }) => ({ type: 'url', url }))
  const actions: object[] = [{ type: 'search', queries: [query], query, ...(withSources && { sources }) }]
  if (model.reasoning && !tool.type.startsWith('web_search_preview')) {
    const steps = random.below(4)
    if (steps > 1) actions.push({ type: 'open_page', url: cited.url })
    if (steps > 2) actions.push({ type: 'find_in_page', pattern: query.split(' ')[0], url: cited.url })
  }
  const citation = ` [${cited.domain}](${cited.url})`
  return {
    ...plainCall,
    hiddenTokens: encoding.count(query),
    resultTokens: WEB_SEARCH_TOKENS,
    citation,
    usage: { webSearches: 1 },
    items: (write) =>
      actions.slice(0, request.max_tool_calls ?? Infinity).map((action) => {
        const id = write.ids.next('ws', write.epochSeconds)
        return hostedItem({ id, type: 'web_search_call', status: 'completed', action })
      }),
    annotations(text) {
      const at = text.lastIndexOf(citation)
      if (at === -1) return []
      // The space before the link is not part of the citation.
      const [start, end] = [at + 1, at + citation.length]
      const { title, url } = cited
      return [{ type: 'url_citation', end_index: end, start_index: start, title, url }]
    },
  }
}

function drawPages(random: Random, sites: readonly string[]): Page[] {
  return Array.from({ length: 3 + random.below(4) }, () => {
    const title = drawLorem(random, 4 + random.below(5)).text.replace(/[.,]/g, '')
    const domain = sites[random.below(sites.length)] ?? 'www.example.com'
    return { title, domain, url: `https://${domain}/${title.toLowerCase().replaceAll(' ', '-')}` }
  })
}

/** Tokens of a found passage. */
const PASSAGE_TOKENS = 120
const DEFAULT_RESULTS = 20
const fileNames = ['handbook.pdf', 'report.pdf', 'notes.md', 'faq.txt', 'overview.docx']

/** `file_search`: passages of invented files. The simulator has no vector stores, so it accepts every id of the right form. */
export const drawFileSearch: DrawCall = (tool, context, random) => {
  const { request, encoding, question } = context
  const { max_num_results: max } = tool as { max_num_results?: number | null }
  const query = queryOf(question)
  const queries = random.below(2) === 0 ? [query] : [query, `${query} summary`]
  const count = Math.min(max ?? DEFAULT_RESULTS, 1 + random.below(4))
  const results = Array.from({ length: count }, (_, rank) => ({
    attributes: {},
    file_id: `file-${hexText(random, 32)}`,
    filename: fileNames[random.below(fileNames.length)] ?? '',
    score: Number((0.95 - rank * 0.11 - random.unit() * 0.1).toFixed(4)),
    text: drawLorem(random, PASSAGE_TOKENS).text,
  }))
  const found = includes(request, 'file_search_call.results') ? results : null
  return {
    ...plainCall,
    hiddenTokens: queries.reduce((sum, text) => sum + encoding.count(text), 0),
    resultTokens: count * PASSAGE_TOKENS,
    items({ ids, epochSeconds }) {
      const id = ids.next('fs', epochSeconds)
      return [hostedItem({ id, type: 'file_search_call', status: 'completed', queries, results: found })]
    },
    annotations(text) {
      const [first] = results
      if (!first || text === '') return []
      const { file_id, filename } = first
      return [{ type: 'file_citation', file_id, filename, index: text.length - 1 }]
    },
  }
}

/**
 * `tool_search`: loads one of the deferred tools, which the answer then calls (captures of gpt-5.4, March 2026). With `execution:
 * client`, the client searches and the answer ends.
 */
export function drawToolSearch(deferred: readonly DeferredTool[]): DrawCall {
  return (tool, { encoding }, random) => {
    const { execution, parameters } = tool as { execution?: string | null; parameters?: unknown }
    if (execution === 'client') {
      const drawn = parameters ? drawJson(parameters, random) : {}
      const input = isRecord(drawn) ? drawn : {}
      const call = { call_id: callId(random), execution }
      return {
        ...plainCall,
        hiddenTokens: encoding.count(JSON.stringify(input)),
        endsAnswer: true,
        items: (write) => [searchCall(write, input, call)],
      }
    }
    const found = deferred.length === 0 ? [] : [deferred[random.below(deferred.length)] as DeferredTool]
    const call = { call_id: null, execution: 'server' }
    return {
      ...plainCall,
      hiddenTokens: found.reduce((sum, { path }) => sum + encoding.count(path), 0),
      loads: found.map(({ client }) => client),
      items(write) {
        const tools = found.map(({ echoed }) => echoed)
        const id = write.ids.next('tso', write.epochSeconds)
        const output = { id, type: 'tool_search_output', status: 'completed', ...call, tools } as const
        return [searchCall(write, { paths: found.map(({ path }) => path) }, call), hostedItem(output)]
      },
    }
  }
}

/** A tool that the model sees only after a tool search. */
export interface DeferredTool {
  /** Its name, or the name of its namespace. */
  readonly path: string
  readonly client: ClientTool
  /** The tool as the service writes it. */
  readonly echoed: object
}

function searchCall({ ids, epochSeconds }: ItemContext, input: object, call: object): WrittenItem {
  const id = ids.next('tsc', epochSeconds)
  return hostedItem({ id, type: 'tool_search_call', status: 'completed', arguments: input, ...call })
}
