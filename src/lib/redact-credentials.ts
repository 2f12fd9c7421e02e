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

/** Options of `redactBody`. */
export interface RedactOptions {
  /** Additional names, in lower case. Their values are always replaced. */
  readonly names?: ReadonlySet<string> | undefined
  /** Called for each value. Returns whether it is replaced; values of `names` always are. */
  readonly onFound?: OnFound | undefined
}

/**
 * Replaces the credentials in a body or in the data of an event: members of JSON, fields of a form, and what `redactText` finds in
 * any text. All other bytes are unchanged. Linear time.
 */
export function redactBody(text: string, contentType = '', options: RedactOptions = {}): string {
  if (
    /^\s*multipart\//i.test(contentType) ||
    /^--[^\s][^\r\n]{0,200}\r?\n(?:[\w-]{1,100}:[^\r\n]{0,1000}\r?\n){0,9}content-disposition:/i.test(text)
  ) {
    return redactMultipart(text, options)
  }
  if (/^\uFEFF?\s*[[{]/.test(text)) return redactJson(text, options)
  // Detected by content: curl -d sends JSON with the type of a form, and recordings can lack the type.
  if (/^\s*application\/x-www-form-urlencoded\b/i.test(contentType) || isForm(text)) {
    return redactQuery(text, options.names, options.onFound)
  }
  // A recorded event stream.
  if (/^(?:\uFEFF)?(?:data|event|id|retry|):/.test(text)) return redactEvents(text, options)
  return redactText(text, options.onFound)
}

function isForm(text: string): boolean {
  return /^[\w.%+[\]~-]{1,200}=/.test(text) && !/[\s"<>{}]/.test(text)
}

/** Redacts server-sent events: the data of each event like a body, also if it has several lines. The lines stay unchanged. */
export function redactEvents(text: string, options: RedactOptions = {}): string {
  return text.replace(/\uFEFF?data:[^\r\n]*(?:(?:\r\n|\n|\r)data:[^\r\n]*)*|[^\r\n]+/g, (block) => {
    const lines = block.split(/(\r\n|\n|\r)/)
    const starts = lines.map((line) => /^\uFEFF?data: ?/.exec(line)?.[0] ?? '')
    const data = lines
      .map((line, index) => (index % 2 === 0 ? line.slice(starts[index]?.length) : '\n'))
      .join('')
    const plain = /^\s*[[{]/.test(data) ? redactJson(data, options) : redactText(data, options.onFound)
    if (plain === data) return block
    // A credential has no line end, so the number of lines is unchanged.
    const clean = plain.split('\n')
    return lines
      .map((line, index) => (index % 2 === 0 ? `${starts[index]}${clean[index / 2] ?? ''}` : line))
      .join('')
  })
}

/** Redacts a multipart form: fields by their names, files by their content. */
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
  const isListed = options.names?.has(name.toLowerCase()) === true
  const isNamed = isListed || isCredentialName(name, 'parameter')
  if (!isNamed) return isFile ? redactBody(value, '', options) : redactPlain(value, options)
  if (value === '' || value === redacted) return value
  const isReplaced = options.onFound?.(`field ${name}`, value) ?? true
  return isReplaced || isListed ? redacted : value
}

function redactPlain(value: string, options: RedactOptions): string {
  return /^\s*[[{]/.test(value) ? redactJson(value, options) : redactHeaderValue(value, options.onFound)
}

/** An object or array that contains the current position of the scanner. */
interface Frame {
  readonly isObject: boolean
  /** The name of its member; elements of an array inherit the name of the array. */
  readonly name: string
  /** How its strings are classified. */
  readonly kind: 'plain' | 'headers' | 'parts' | 'all' | 'schema'
  /** Start of the value if it is replaced as a whole. */
  readonly replacedFrom: number | undefined
  member: string
  isName: boolean
  /** Values of `token`. They are tokens of the model if the object also has `logprob`. */
  tokens: Edit[] | undefined
  hasLogprob: boolean
  /** The value of `value`. It is a credential if a member `name` or `key` of the object names one. */
  pairValue: Edit | undefined
  namesCredential: boolean
}

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly where: string
  readonly value: string
  /** Whether it is replaced in any case. */
  readonly isListed?: boolean
}

/** Deeper members are classified by the names at this depth. No request of the API is nested so deeply. */
const MAX_DEPTH = 1_000

/** Members with the names of a schema as keys, not names of data. */
const schemaMaps =
  /^(?:properties|patternProperties|\$defs|definitions|dependentRequired|dependentSchemas|dependencies)$/

/**
 * Replaces the strings of credentials in JSON with a scanner: numbers, white space, order and duplicate names are unchanged, and
 * JSON that is cut off or deeply nested is accepted. Only strings are replaced, so that a tool schema with a property `password`
 * remains valid.
 */
function redactJson(text: string, { names, onFound }: RedactOptions): string {
  if (!names?.size && isPlain(text)) return text
  const edits: Edit[] = []
  const frames: Frame[] = []
  let frame = frameOf(false, '', 'plain')
  let skipDepth = 0
  let depthBeyond = 0
  let isOther = false

  const redactString = (start: number, end: number): void => {
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
    if (!frame.isObject && frame.kind === 'headers') {
      // A list can alternate names and values. A list of names only has no credential.
      const isValue = frame.namesCredential && !/^[a-z-]+$/i.test(value)
      frame.namesCredential = !isValue && isCredentialName(value, 'header')
      if (isValue) {
        edits.push(whole)
        return
      }
    }
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
      edits.push({
        start,
        end,
        text: `"${redacted}"`,
        where: name,
        value: text.slice(start, end),
        isListed: true,
      })
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
      } else redactString(at, end)
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
  // JSON that is cut off has open frames.
  depthBeyond = 0
  while (frames.length > 0) close(text.length)
  const plain = applied(text, edits, onFound)
  // A text that starts with a bracket may not be JSON, such as a Markdown link.
  return isOther ? redactText(plain, onFound) : plain

  function replaced(start: number, end: number): Edit {
    return {
      start,
      end,
      text: `"${redacted}"`,
      where: frame.member,
      value: text.slice(start, end),
      isListed: true,
    }
  }
}

/** A fast check for small texts without credentials, such as most events. Large texts usually match a name anyway. */
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
  // The value of `key` can be a credential itself. A number at its end can belong to a name: `API_KEY_2`.
  if (kind === 'parts' || value.length > 64 || /\d/.test(value.replace(/\d{1,2}$/, ''))) return false
  return isCredentialName(value, kind === 'headers' ? 'header' : 'member')
}

/** @param isObject whether the new frame is an object */
function kindOf(name: string, parent: Frame, isObject: boolean): Frame['kind'] {
  // A member of a schema describes a value.
  if (parent.kind === 'schema') return isObject ? 'plain' : 'schema'
  if (!parent.isObject) return parent.kind
  if (schemaMaps.test(name)) return 'schema'
  // The headers of a tool authenticate the service to the server of the tool, so all of them are credentials.
  if (/^(?:\w*_)?headers$|[a-z]Headers$/i.test(name)) return parent.name === 'tools' ? 'all' : 'headers'
  if (parent.kind === 'headers' || parent.kind === 'all') return parent.kind
  // Older API versions have the key of a data source among its parameters.
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
  // Edits for `token` are added at the end of their object.
  edits.sort((a, b) => a.start - b.start)
  let rest = ''
  let done = 0
  for (const { start, end, text: replacement, where, value, isListed } of edits) {
    if (start < done) continue
    if (value !== '' && onFound?.(`member ${where}`, value) === false && isListed !== true) continue
    rest += text.slice(done, start) + replacement
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

/** Index after the closing quote of the string that starts at `start`, or the end of the text. */
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
