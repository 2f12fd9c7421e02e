import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { kindOf, type AnswerKind } from './answer-sight.ts'

/** The text of an answer that a service has sent, and where it was recorded. */
export interface RecordedAnswer {
  /** The project of the recording. */
  readonly from: string
  readonly name: string
  readonly kind: AnswerKind
  readonly text: string
}

/** All answers of chat, responses and messages in the recordings of a folder, whatever tool has written them. */
export function recordedAnswers(folder: string): RecordedAnswer[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ya?ml|json|jsonl|har|txt)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .flatMap((file) => answersIn(file, relative(folder, file)))
}

function answersIn(file: string, name: string): RecordedAnswer[] {
  const text = readFileSync(file, 'utf8')
  const found: RecordedAnswer[] = []
  const add = (answer: string, from: string): void => {
    const kind = kindOf(answer)
    if (kind) found.push({ from, name: `${name} #${found.length}`, kind, text: answer })
  }
  if (file.endsWith('.txt')) {
    for (const part of text.split('\n--\n')) add(part.slice(part.indexOf('\n') + 1), 'golden')
  } else if (file.endsWith('.jsonl')) {
    for (const line of text.split('\n').filter(Boolean)) {
      const row = JSON.parse(line) as { repo?: string }
      eachText(row, (answer) => add(answer, row.repo ?? basename(file)))
    }
  } else {
    const from = projectOf(name)
    const values = /\.ya?ml$/.test(file)
      ? parseAllDocuments(text, { strict: false, logLevel: 'silent' }).map(
          (document) => document.toJS() as unknown,
        )
      : [JSON.parse(text) as unknown]
    for (const value of values) eachText(value, (answer) => add(answer, from))
  }
  return found
}

/** Files of several projects are in one folder. Their names start with that of the project. */
function projectOf(name: string): string {
  const projects = ['braintrust', 'openllmetry', 'lmnr-ts', 'ruby-openai', 'ruby_llm', 'dd-trace-py']
  return projects.find((project) => name.includes(project)) ?? name.split('/')[0] ?? name
}

/** Passes on every string in a value, and JSON that is not a string as one text. A list of recorded events is one stream. */
function eachText(value: unknown, take: (text: string) => void): void {
  if (typeof value === 'string') {
    take(value)
  } else if (Array.isArray(value)) {
    const events = value.map((entry) => (entry as { data?: unknown } | null)?.data)
    if (events.length > 0 && events.every((data) => typeof data === 'string')) {
      take(events.map((data) => `data: ${data}\n\n`).join(''))
    } else for (const entry of value) eachText(entry, take)
  } else if (typeof value === 'object' && value !== null) {
    const { object, type } = value as { object?: unknown; type?: unknown }
    if (object === 'chat.completion' || object === 'response' || type === 'message')
      take(JSON.stringify(value))
    else for (const entry of Object.values(value)) eachText(entry, take)
  }
}
