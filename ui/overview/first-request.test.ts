import { describe, expect, it } from 'vitest'
import { chooseDeployment, examplesOf } from './first-request.ts'

const target = { origin: 'http://127.0.0.1:8000', resource: 'default', deployment: 'chat', model: 'gpt-4o' }
const codeOf = (id: string, ...of: Parameters<typeof examplesOf>): string =>
  examplesOf(...of).find((example) => example.id === id)?.code ?? ''

describe('examples of the first request', () => {
  it('curl sends a chat request to this address', () => {
    const lines = codeOf('curl', target).split('\n')
    expect(lines[0]).toBe('curl -N http://127.0.0.1:8000/openai/v1/chat/completions \\')
    expect(lines[1]).toBe(`  -H "api-key: $SIMULATOR_API_KEY" -H 'content-type: application/json' \\`)
    const body = /^ {2}-d '(.*)'$/s.exec(lines.slice(2).join('\n'))?.[1] ?? ''
    expect(JSON.parse(body)).toMatchObject({ model: 'chat', messages: [{ role: 'user' }] })
  })

  it('curl quotes a key and a hostile deployment for the shell', () => {
    const hostile = { ...target, deployment: `a'; touch /tmp/x; '"<b>` }
    const code = codeOf('curl', hostile, "it's $(id)")
    expect(code).toContain(String.raw`-H 'api-key: it'\''s $(id)'`)
    expect(code).toContain(String.raw`"model": "a'\''; touch /tmp/x; '\''\"<b>"`)
  })

  it('clients use the path of a resource as endpoint', () => {
    const acme = { ...target, resource: 'acme' }
    expect(codeOf('python', acme)).toContain('azure_endpoint="http://127.0.0.1:8000/acme"')
    expect(codeOf('javascript', acme)).toContain('endpoint: "http://127.0.0.1:8000/acme"')
    expect(codeOf('environment', acme)).toContain("AZURE_OPENAI_ENDPOINT='http://127.0.0.1:8000/acme'")
  })

  it('no example contains the key unless it is given', () => {
    expect(examplesOf(target).every(({ code }) => code.includes('SIMULATOR_API_KEY'))).toBe(true)
  })
})

describe('deployment of the examples', () => {
  it('is the first that answers chat requests', () => {
    const deployments = {
      embedding: { model: 'text-embedding-3-small' },
      whisper: { model: 'whisper' },
      claude: { model: 'claude-sonnet-4-5' },
      mine: { model: 'gpt-4o-mini' },
      other: { model: 'gpt-4o' },
    }
    expect(chooseDeployment(deployments)).toEqual({ deployment: 'mine', model: 'gpt-4o-mini' })
  })

  it('is undefined if none answers chat requests', () => {
    expect(chooseDeployment({ 'text-embedding-ada-002': {} })).toBeUndefined()
  })
})
