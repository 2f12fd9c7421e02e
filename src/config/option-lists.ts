import { listProblems } from '../lib/error-text.ts'
import { isRecord } from './resolve-deployment.ts'
import { showValue } from './show-value.ts'

/** A list in the text in which its variable has it, or what of it does not fit there. */
export type ListText = { readonly text: string } | { readonly problems: readonly string[] }

/** How an item of a list is written, or what it must be. */
type WriteItem = (item: unknown) => { readonly text: string } | { readonly rule: string }

/** How lists are written, by the option. */
const writers: Readonly<Record<string, { readonly separator: string; readonly write: WriteItem }>> = {
  'contentFilter.prompt': { separator: ';', write: writePhrase },
  'contentFilter.completion': { separator: ';', write: writePhrase },
  'contentFilter.late': { separator: ';', write: writePhrase },
  'recordings.redact': { separator: ', ', write: writeRedaction },
  'recordings.match.ignoreFields': { separator: ', ', write: writeName },
  'recordings.match.headers': { separator: ', ', write: writeName },
}

/** Writes a list as the text that its setting takes. Whatever is no list, or of no option with one, stays as it is. */
export function writeList(option: string, value: unknown): ListText | undefined {
  const writer = writers[option]
  if (!writer || !Array.isArray(value)) return undefined
  const items = value.map((item: unknown) => writer.write(item))
  const problems = items.flatMap((item, index) =>
    'rule' in item ? [`${option}[${index}] must be ${item.rule} (got ${showItem(value[index])}).`] : [],
  )
  if (problems.length > 0) return { problems: listProblems(problems) }
  return { text: items.map((item) => ('text' in item ? item.text : '')).join(writer.separator) }
}

function writePhrase(item: unknown): ReturnType<WriteItem> {
  const rule = 'a text without ";", or {category, phrase} with such a phrase'
  const text = isRecord(item) ? `${String(item['category'])}: ${String(item['phrase'])}` : item
  return typeof text === 'string' && text !== '' && !text.includes(';') ? { text } : { rule }
}

function writeName(item: unknown): ReturnType<WriteItem> {
  return typeof item === 'string' && /^[^\s,]+$/.test(item) ? { text: item } : { rule: 'one name' }
}

function writeRedaction(item: unknown): ReturnType<WriteItem> {
  if (item instanceof RegExp) {
    return /^[gu]*$/.test(item.flags)
      ? { text: `/${item.source}/` }
      : { rule: 'a regular expression without flags other than g and u' }
  }
  return typeof item === 'string' && item !== ''
    ? { text: item }
    : { rule: 'a name, a "text" in quotes, or a regular expression' }
}

function showItem(item: unknown): string {
  return item instanceof RegExp ? String(item) : showValue(item)
}
