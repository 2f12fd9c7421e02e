import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programKey, type RunningProgram, startProgram } from '../support/built-program.ts'
import type { RawRequest } from '../support/raw-http.ts'
import { connectToBoth, pidExtension, pidsOf } from '../support/worker-answers.ts'

const chat = (headers: Readonly<Record<string, string>>, text = 'Hi'): RawRequest => ({
  path: `/acme/openai/deployments/chat/chat/completions?api-version=2024-10-21&note=${text}`,
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify({ messages: [{ role: 'user', content: text }], max_tokens: 5, user: text }),
})

describe('keys and tokens with two workers', () => {
  let program: RunningProgram
  beforeAll(async () => {
    program = await startProgram({
      args: ['--workers', '2'],
      files: { 'pid.mjs': pidExtension },
      env: {
        EXTENSION_PATH: './pid.mjs',
        JOURNAL_SIZE: '100',
        LATENCY_TIME_SCALE: '0',
        LOG_REQUESTS: 'true',
        LOG_LEVEL: 'debug',
      },
      deployments: { chat: { model: 'gpt-4o' } },
    })
  })
  afterAll(() => program.stop())

  const ask = (path: string, method = 'GET', body?: object): Promise<Response> =>
    fetch(`http://127.0.0.1:${program.port}${path}`, {
      method,
      headers: { 'api-key': programKey, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
  const tokenOf = async (id: string, key: string): Promise<string> => {
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: key })
    const url = `http://127.0.0.1:${program.port}/acme/oauth2/v2.0/token`
    const answer = await fetch(url, { method: 'POST', body: form })
    return ((await answer.json()) as { access_token: string }).access_token
  }

  it('have one signing key, are valid in each worker until the key is deleted, and appear nowhere', async () => {
    await ask('/++/resources/acme', 'PUT', { tokens: 'own', deployments: { chat: { model: 'gpt-4o' } } })
    const made = await ask('/++/resources/acme/keys', 'POST', { label: 'ci' })
    const { id, key } = (await made.json()) as { id: string; key: string }
    const tokens = await Promise.all(Array.from({ length: 16 }, () => tokenOf(id, key)))
    expect(new Set(tokens.map((token) => decodeProtectedHeader(token).kid)).size).toBe(1)

    const [token = ''] = tokens
    const credentials = [{ authorization: `Bearer ${token}` }, { 'x-api-key': key }]
    const connections = await connectToBoth(program.port, chat({ 'api-key': key }), 1)
    const sendAll = async () => {
      const answers = []
      for (const connection of connections) {
        for (const headers of credentials) answers.push(await connection.send(chat(headers, key)))
      }
      return answers
    }
    const accepted = await sendAll()
    expect(accepted.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(pidsOf(accepted)).toHaveLength(2)
    expect((await ask(`/++/resources/acme/keys/${id}`, 'DELETE')).status).toBe(204)
    expect((await sendAll()).map(({ status }) => status)).toEqual([401, 401, 401, 401])

    const other = await ask('/++/resources/acme/keys', 'POST', { label: 'unused' })
    const { key: unused } = (await other.json()) as { key: string }
    for (const connection of connections) {
      const path = `/openai/deployments/${unused}/chat/completions?api-version=2024-10-21`
      await connection.send({ ...chat({ 'api-key': programKey }, unused), path })
    }

    const journal = await (await ask('/++/requests?limit=100')).text()
    const reasons = [...journal.matchAll(/"refusal":"([\w-]+)"/g)].map(([, reason]) => reason)
    expect(reasons.toSorted((a = '', b = '') => a.localeCompare(b))).toEqual([
      'key-deleted',
      'key-deleted',
      'unknown-key',
      'unknown-key',
    ])
    const metrics = await (await ask('/metrics')).text()
    expect(metrics).toContain('aoai_access_refused_total{resource="acme",reason="key-deleted"} 2\n')
    const shown = await Promise.all(
      ['/++/stats', '/++/logs', '/++/traces'].map(async (path) => (await ask(path)).text()),
    )
    for (const text of [journal, metrics, ...shown, program.stderr(), program.stdout()]) {
      expect(text).not.toContain(unused)
      expect(text).not.toContain(key)
      expect(text).not.toContain(token.slice(-40))
    }
  })
})
