import { DEFAULT_RESOURCE } from './deployment-rows.ts'

/** What the examples of the first screen need. */
export interface ExampleTarget {
  /** Address of the simulator without a path: `http://127.0.0.1:8000`. */
  readonly origin: string
  readonly resource: string
  readonly deployment: string
  readonly model: string
}

export interface Example {
  readonly id: 'curl' | 'python' | 'javascript' | 'environment'
  readonly label: string
  readonly code: string
}

const API_VERSION = '2024-10-21'

/** Models that do not answer chat requests. */
const withoutChat =
  /embedding|ada-002|whisper|tts|transcribe|dall-e|image|davinci-002|babbage|instruct|codex|realtime|audio|sora/i

/** Whether a chat request is a good first request for a model. */
function answersChat(model: string): boolean {
  return !withoutChat.test(model)
}

/** Returns the deployment that the examples use: the first that answers chat requests. */
export function chooseDeployment(
  deployments: Readonly<Record<string, { readonly model?: unknown }>>,
): { readonly deployment: string; readonly model: string } | undefined {
  const named = Object.entries(deployments).map(([deployment, { model }]) => ({
    deployment,
    model: typeof model === 'string' ? model : deployment,
  }))
  return named.find(({ model }) => answersChat(model) && !model.startsWith('claude'))
}

/** The address that clients use as endpoint, with the path of the resource. */
export function endpointOf({ origin, resource }: ExampleTarget): string {
  return resource === DEFAULT_RESOURCE ? origin : `${origin}/${resource}`
}

/** Address of a chat request. */
export function chatAddress(target: ExampleTarget): string {
  return `${endpointOf(target)}/openai/v1/chat/completions`
}

/** Body of the first request: a short stream. */
export function firstBody({ deployment }: ExampleTarget): string {
  const model = JSON.stringify(deployment)
  return [
    `{"model": ${model}, "stream": true, "max_completion_tokens": 100,`,
    '      "messages": [{"role": "user", "content": "Hello"}]}',
  ].join('\n')
}

/**
 * Returns examples in several languages, ready to paste.
 *
 * @param key the key to write into the curl command; absent: the variable SIMULATOR_API_KEY
 */
export function examplesOf(target: ExampleTarget, key?: string): Example[] {
  const endpoint = endpointOf(target)
  const header = key === undefined ? '"api-key: $SIMULATOR_API_KEY"' : shellQuote(`api-key: ${key}`)
  const deployment = JSON.stringify(target.deployment)
  return [
    {
      id: 'curl',
      label: 'curl',
      code: [
        `curl -N ${chatAddress(target)} \\`,
        `  -H ${header} -H 'content-type: application/json' \\`,
        `  -d ${shellQuote(firstBody(target))}`,
      ].join('\n'),
    },
    {
      id: 'python',
      label: 'Python',
      code: [
        'import os',
        'from openai import AzureOpenAI',
        '',
        'client = AzureOpenAI(',
        `    azure_endpoint=${JSON.stringify(endpoint)},`,
        '    api_key=os.environ["SIMULATOR_API_KEY"],',
        `    api_version="${API_VERSION}",`,
        ')',
        'answer = client.chat.completions.create(',
        `    model=${deployment},`,
        '    messages=[{"role": "user", "content": "Hello"}],',
        ')',
        'print(answer.choices[0].message.content)',
      ].join('\n'),
    },
    {
      id: 'javascript',
      label: 'JavaScript',
      code: [
        "import { AzureOpenAI } from 'openai'",
        '',
        'const client = new AzureOpenAI({',
        `  endpoint: ${JSON.stringify(endpoint)},`,
        '  apiKey: process.env.SIMULATOR_API_KEY,',
        `  apiVersion: '${API_VERSION}',`,
        '})',
        'const answer = await client.chat.completions.create({',
        `  model: ${deployment},`,
        "  messages: [{ role: 'user', content: 'Hello' }],",
        '})',
        'console.log(answer.choices[0].message.content)',
      ].join('\n'),
    },
    {
      id: 'environment',
      label: 'Environment',
      code: [
        `export AZURE_OPENAI_ENDPOINT=${shellQuote(endpoint)}`,
        'export AZURE_OPENAI_API_KEY="$SIMULATOR_API_KEY"',
        `export OPENAI_API_VERSION=${API_VERSION}`,
      ].join('\n'),
    },
  ]
}

/** Quotes a word for POSIX shells. */
function shellQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
