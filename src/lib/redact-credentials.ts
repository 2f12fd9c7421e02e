import {
  credentialObject,
  isCredentialName,
  isCredentialPart,
  mayNameCredential,
} from './credential-names.ts'
import {
  mayHoldCredential,
  type OnFound,
  redacted,
  redactHeaderValue,
  redactQuery,
  redactText,
  redactValue,
} from './credential-texts.ts'

/** What is redacted beside credentials, and who hears of it. */
export interface RedactOptions {
  /** Further names, in lower case, whose values are replaced whatever they are. */
  readonly names?: ReadonlySet<string> | undefined
  readonly onFound?: OnFound | undefined
}

/**
 * A body, or the data of an event, without credentials: the members of JSON, the fields of a form, and what `redactText` finds
 * in any text. What holds none comes back as it is, and what holds some stays byte by byte beside them. Time is linear.
 */
export function redactBody(text: string, contentType = '', options: RedactOptions = {}): string {
  if (/^\s*multipart\//i.test(contentType) || /^--[^\s-][^\r\n]*\r?\ncontent-disposition:/i.test(text)) {
    return redactMultipart(text, options)
  }
  if (/^\uFEFF?\s*[[{]/.test(text)) return redactJson(text, options)
  // Clients send JSON under the type of a form, as curl -d does, and recordings lose the type: what it looks like counts.
  if (/^\s*application\/x-www-form-urlencoded\b/i.test(contentType) || isForm(text)) {
    return redactQuery(text, options.names, options.onFound)
  }
  // A stream of events that was recorded in one piece.
  if (/^(?:\uFEFF)?(?:data|event|id|retry|):/.test(text)) return redactEvents(text, options)
  return redactText(text, options.onFound)
}

function isForm(text: string): boolean {
  return /^[\w.%+[\]~-]{1,200}=/.test(text) && !/[\s"<>{}]/.test(text)
}

/** Server-sent events: each keeps its frame, and its data is looked at as a body is, also where it has several lines. */
export function redactEvents(text: string, options: RedactOptions = {}): string {
  return text.replace(/\uFEFF?data:[^\r\n]*(?:(?:\r\n|\n|\r)data:[^\r\n]*)*|[^\r\n]+/g, (block) => {
    const lines = block.split(/(\r\n|\n|\r)/)
    const starts = lines.map((line) => /^\uFEFF?data: ?/.exec(line)?.[0] ?? '')
    const data = lines
      .map((line, index) => (index % 2 === 0 ? line.slice(starts[index]?.length) : '\n'))
      .join('')
    const plain = /^\s*[[{]/.test(data) ? redactJson(data, options) : redactText(data, options.onFound)
    if (plain === data) return block
    // No credential has a line end in it, so the lines stay the same ones.
    const clean = plain.split('\n')
    return lines
      .map((line, index) => (index % 2 === 0 ? `${starts[index]}${clean[index / 2] ?? ''}` : line))
      .join('')
  })
}

/** A form with files: fields are judged by their names, files by what is in them. */
function redactMultipart(text: string, options: RedactOptions): string {
  const delimiter = /(?:^|\n)(--[^\r\n]+)/.exec(text)?.[1]
  if (delimiter === undefined) return redactText(text, options.onFound)
  return text
    .split(delimiter)
    .map((part) => {
      const [gap] = /\r?\n\r?\n/.exec(part.slice(0, 8_192)) ?? []
      if (gap === undefined) return part
      const at = part.indexOf(gap) + gap.length
      const head = part.slice(0, at)
      const end = part.endsWith('\r\n')
        ? part.length - 2
        : part.endsWith('\n')
          ? part.length - 1
          : part.length
      const value = part.slice(at, end)
      return head + redactField(head, value, options) + part.slice(end)
    })
    .join(delimiter)
}

function redactField(head: string, value: string, options: RedactOptions): string {
  const disposition = /content-disposition:[^\r\n]*/i.exec(head)?.[0] ?? ''
  const name = /;\s*name\*?="?(?:[\w-]{1,20}'\w*')?((?:[^";\\]|\\.)*)/i.exec(disposition)?.[1] ?? ''
  const isFile = /;\s*filename\*?=/i.test(disposition)
  const isNamed = isCredentialName(name, 'parameter') || options.names?.has(name.toLowerCase()) === true
  if (!isNamed || isFile) return isFile ? redactBody(value, '', options) : redactPlain(value, options)
  if (value === '' || value === redacted) return value
  options.onFound?.(`field ${name}`, value)
  return redacted
}

function redactPlain(value: string, options: RedactOptions): string {
  return /^\s*[[{]/.test(value) ? redactJson(value, options) : redactHeaderValue(value, options.onFound)
}

/** An object or a list that the scanner is inside of. */
interface Frame {
  readonly isObject: boolean
  /** The name under which it stands; a list hands its own on. */
  readonly name: string
  /** How the texts in it are judged. */
  readonly kind: 'plain' | 'headers' | 'parts' | 'all' | 'schema'
  /** Whether everything up to its end is replaced by one text. */
  readonly replacedFrom: number | undefined
  member: string
  isName: boolean
  /** A text under `token`, which is one of the model's where there is a `logprob` beside it. */
  tokens: Edit[] | undefined
  hasLogprob: boolean
  /** A text under `value`, which is a credential where a member `name` or `key` beside it says so. */
  pairValue: Edit | undefined
  namesCredential: boolean
}

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly where: string
  readonly value: string
}

/** What is nested deeper is judged by the names around it; no request of the API goes so deep. */
const MAX_DEPTH = 1_000

/** Names under which stand names of a schema, not of data. */
const schemaMaps =
  /^(?:properties|patternProperties|\$defs|definitions|dependentRequired|dependentSchemas|dependencies)$/

/**
 * JSON without the texts of credentials. A scanner finds them: numbers, white space, order and doubled names stay as they are,
 * and so does what is cut off or nested deeply. Only texts are replaced, so that the schema of a tool with a property `password`
 * stays whole.
 */
function redactJson(text: string, { names, onFound }: RedactOptions): string {
  if (!names?.size && isPlain(text)) return text
  const edits: Edit[] = []
  const frames: Frame[] = []
  let frame = frameOf(false, '', 'plain')
  let skipDepth = 0
  let depthBeyond = 0
  let isOther = false

  const judge = (start: number, end: number): void => {
    const raw = text.slice(start + 1, end - 1)
    const value = raw.includes('\\') ? unescaped(raw) : raw
    if (value === '' || value === redacted || skipDepth > 0) return
    const name = frame.isObject ? frame.member : frame.name
    const whole: Edit = { start, end, text: `"${redacted}"`, where: name, value }
    if (frame.isObject && /^(?:name|key|header)$/i.test(name) && namesCredential(value, frame)) {
      frame.namesCredential = true
      return
    }
    if (frame.isObject && /^value$/i.test(name)) frame.pairValue = whole
    if (isCredentialMember(name, frame)) {
      if (frame.isObject && /^token$/i.test(name)) (frame.tokens ??= []).push(whole)
      else edits.push(whole)
      return
    }
    const plain = /^\s*[[{]/.test(value)
      ? redactJson(value, { names, onFound })
      : (frame.kind === 'headers' ? redactHeaderValue : redactValue)(value, onFound)
    if (plain === value) return
    edits.push({ start, end, text: JSON.stringify(plain), where: '', value: '' })
  }

  const open = (at: number, isObject: boolean): void => {
    if (frames.length === MAX_DEPTH) {
      depthBeyond++
      return
    }
    const name = frame.isObject ? frame.member : frame.name
    const isNamed = frame.isObject && names?.has(name.toLowerCase()) === true
    const replacedFrom = isNamed && skipDepth === 0 ? at : undefined
    frames.push(frame)
    frame = frameOf(isObject, name, kindOf(name, frame, isObject), replacedFrom)
    if (frame.replacedFrom !== undefined || skipDepth > 0) skipDepth++
  }

  const close = (end: number): void => {
    if (depthBeyond > 0) {
      depthBeyond--
      return
    }
    if (frame.pairValue && frame.namesCredential) edits.push({ ...frame.pairValue, where: 'value' })
    if (frame.tokens && !frame.hasLogprob) for (const edit of frame.tokens) edits.push(edit)
    if (skipDepth > 0) skipDepth--
    const { replacedFrom: start, name } = frame
    if (start !== undefined) {
      while ((edits.at(-1)?.start ?? -1) >= start) edits.pop()
      edits.push({ start, end, text: `"${redacted}"`, where: name, value: text.slice(start, end) })
    }
    frame = frames.pop() ?? frameOf(false, '', 'plain')
  }

  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at)
      if (frame.isObject && frame.isName) {
        const raw = text.slice(at + 1, end - 1)
        frame.member = raw.includes('\\') ? unescaped(raw) : raw
        if (frame.member === 'logprob') frame.hasLogprob = true
      } else if (frame.isObject && names?.has(frame.member.toLowerCase()) === true) {
        if (skipDepth === 0 && text.slice(at + 1, end - 1) !== redacted) edits.push(replaced(at, end))
      } else judge(at, end)
      at = end - 1
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) open(at, code === OPEN_BRACE)
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) close(at + 1)
    else if (code === COMMA) frame.isName = true
    else if (code === COLON) frame.isName = false
    else if (!isOther && !/[\s\d.+\-EaeflnrstuN\uFEFF]/.test(text.charAt(at))) isOther = true
    else if (
      code > SPACE &&
      frame.isObject &&
      !frame.isName &&
      names?.has(frame.member.toLowerCase()) === true
    ) {
      const end = endOfLiteral(text, at)
      if (skipDepth === 0) edits.push(replaced(at, end))
      at = end - 1
    }
  }
  // What is cut off closes nothing.
  depthBeyond = 0
  while (frames.length > 0) close(text.length)
  const plain = applied(text, edits, onFound)
  // What begins with a bracket may be no JSON, such as a link in Markdown.
  return isOther ? redactText(plain, onFound) : plain

  function replaced(start: number, end: number): Edit {
    return { start, end, text: `"${redacted}"`, where: frame.member, value: text.slice(start, end) }
  }
}

/** A cheap look at what most events are; a large text has something that looks like a name anyway. */
function isPlain(text: string): boolean {
  if (text.length > 16 * 1024 || /[?#]|"eyJ/.test(text)) return false
  return !mayNameCredential(text) && !mayHoldCredential(text)
}

function isCredentialMember(name: string, { kind, isObject }: Frame): boolean {
  if (kind === 'all') return true
  if (kind === 'schema' && !isObject) return false
  if (kind === 'parts' && isCredentialPart(name)) return true
  return isCredentialName(name, kind === 'headers' ? 'header' : 'member')
}

function namesCredential(value: string, { kind }: Frame): boolean {
  // A key is no name, whatever its letters spell.
  if (kind === 'parts' || value.length > 64 || /\d/.test(value)) return false
  return isCredentialName(value, kind === 'headers' ? 'header' : 'member')
}

/** @param isObject whether the new frame is an object */
function kindOf(name: string, parent: Frame, isObject: boolean): Frame['kind'] {
  // What stands under a name of a schema describes a value, and is none.
  if (parent.kind === 'schema') return isObject ? 'plain' : 'schema'
  if (!parent.isObject) return parent.kind
  if (schemaMaps.test(name)) return 'schema'
  // The headers of a tool let the service into somebody's server, whatever their names are.
  if (/^(?:\w*_)?headers$/i.test(name)) return parent.name === 'tools' ? 'all' : 'headers'
  if (parent.kind === 'headers' || parent.kind === 'all') return parent.kind
  // Older api-versions have the key of a data source beside its other parameters.
  if (name === 'parameters' && /^data_?sources$/i.test(parent.name)) return 'parts'
  return credentialObject(name) ?? (isCredentialName(name, 'member') ? 'parts' : 'plain')
}

function frameOf(isObject: boolean, name: string, kind: Frame['kind'], replacedFrom?: number): Frame {
  return {
    isObject,
    name,
    kind,
    replacedFrom,
    member: '',
    isName: isObject,
    tokens: undefined,
    hasLogprob: false,
    pairValue: undefined,
    namesCredential: false,
  }
}

function applied(text: string, edits: Edit[], onFound: OnFound | undefined): string {
  if (edits.length === 0) return text
  // A text under `token` is decided upon at the end of its object.
  edits.sort((a, b) => a.start - b.start)
  let rest = ''
  let done = 0
  for (const { start, end, text: instead, where, value } of edits) {
    if (start < done) continue
    if (value !== '') onFound?.(`member ${where}`, value)
    rest += text.slice(done, start) + instead
    done = end
  }
  return rest + text.slice(done)
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const SPACE = 0x20

/** Behind the quote that ends the string which begins at `start`; the end of the text where there is none. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text[end - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return end + 1
  }
  return text.length
}

function endOfLiteral(text: string, start: number): number {
  let end = start
  while (end < text.length && !/[\s,\]}]/.test(text[end] ?? '')) end++
  return end
}

function unescaped(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string
  } catch {
    return raw
  }
}
