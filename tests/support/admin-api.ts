import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { App } from '../../src/server/app.ts'
import { testKey } from './test-simulator.ts'

/** A schema for checking answers, or any other node of a document. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests walk through documents of every shape
export type Node = Readonly<Record<string, any>>

/** An answer of the administration; the body is parsed where there is one. */
export interface AdminResponse {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any
}

/** The administration of a simulator under test. Every answer must fit what its OpenAPI document says. */
export interface AdminApi {
  readonly ask: (method: string, path: string, body?: unknown, key?: string) => Promise<AdminResponse>
  readonly document: () => Promise<Node>
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** Asks the administration of an app in this process. */
export function createAdminApi(app: App): AdminApi {
  const send = async (
    method: string,
    path: string,
    body?: unknown,
    key = testKey,
  ): Promise<AdminResponse> => {
    const response = await app.request(path, {
      method,
      headers: { 'api-key': key },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }
  let document: Node | undefined
  const readDocument = async (): Promise<Node> =>
    (document ??= parsedDocument((await send('GET', '/++/openapi.json')).text))

  return {
    document: readDocument,
    async ask(method, path, body, key) {
      const answer = await send(method, path, body, key)
      if (methods.has(method)) checkAnswer(await readDocument(), method, path, answer)
      return answer
    },
  }
}

/** Fails where an answer of a documented path is not as documented. */
function checkAnswer(document: Node, method: string, path: string, answer: AdminResponse): void {
  const pathname = new URL(path, 'http://host').pathname.replace(/\/{2,}/g, '/')
  const [, item] =
    Object.entries(document['paths'] as Node).find(([template]) => fits(template, pathname)) ?? []
  const operation = item?.[method === 'HEAD' ? 'get' : method.toLowerCase()]
  if (!operation) return
  const documented = operation.responses[answer.status]
  if (!documented) throw new Error(`${method} ${path} answered ${answer.status}, which is not documented.`)
  const schema = documented.content?.['application/json']?.schema
  if (method === 'HEAD') return
  if (!schema) {
    if (answer.text !== '') throw new Error(`${method} ${path} has a body, which is not documented.`)
    return
  }
  const problem = schemaProblem(document, schema, answer.body)
  if (problem) throw new Error(`${method} ${path} does not fit its schema: ${problem}\n${answer.text}`)
}

function fits(template: string, pathname: string): boolean {
  return new RegExp(`^${template.replaceAll('+', '\\+').replace(/\{\w+\}/g, '[^/]+')}/?$`).test(pathname)
}

interface Judge {
  readonly ajv: Ajv2020
  /** By the text of a schema of the document. */
  readonly validators: Map<string, ValidateFunction>
}

const judges = new WeakMap<Node, Judge>()

/** What is wrong with a value by a schema of the document; undefined when nothing is. */
export function schemaProblem(document: Node, schema: Node, value: unknown): string | undefined {
  const { ajv, validators } = judgeOf(document)
  const text = JSON.stringify(schema).replaceAll('"#/components', '"http://document/#/components')
  let validate = validators.get(text)
  if (!validate) validators.set(text, (validate = ajv.compile(JSON.parse(text) as Node)))
  return validate(value) ? undefined : ajv.errorsText(validate.errors)
}

function judgeOf(document: Node): Judge {
  let judge = judges.get(document)
  if (!judge) {
    const ajv = new Ajv2020({ strict: false, allErrors: true })
    addFormats.default(ajv)
    ajv.addSchema({ $id: 'http://document/', ...document })
    judges.set(document, (judge = { ajv, validators: new Map() }))
  }
  return judge
}

/** The parsed documents by text: one for all simulators, unless their documents differ. */
const documents = new Map<string, Node>()

function parsedDocument(text: string): Node {
  const document = documents.get(text) ?? (JSON.parse(text) as Node)
  documents.set(text, document)
  return document
}
