import { describe, expect, it } from 'vitest'
import { createSimulator } from '../../src/index.ts'
import { createAdminApi } from '../support/admin-api.ts'
import { chatRequest, startListening, tell } from '../support/hostile-client.ts'
import { bodyOf, operationRequests } from '../support/operation-requests.ts'
import { createTestSimulator } from '../support/test-simulator.ts'

const invalid = [
  '字',
  '💥',
  '\u0000',
  '\ud800',
  'a\r\nb',
  'a\u007f',
  'a\u0085b',
  ' a',
  'a ',
  '\u00a0a',
  'x'.repeat(257),
]
const valid = [
  'openai/gpt-4o',
  'ft:gpt-4o:x',
  'gpt-35-turbo-100m-token',
  'my.model_v2',
  'a b',
  'é',
  'x'.repeat(256),
]
const rule = 'must have 1 to 256 printable characters of ASCII or Latin-1, with no space at either end'

const named = operationRequests.filter(
  ({ body }) => 'model' in body && !('messages' in body && 'logprobs' in body),
)
const escaped = (name: string): string => encodeURIComponent(Buffer.from(name).toString())

describe('a deployment name', () => {
  it.each(named)(
    'that cannot be one gets the 404 of the service where $name have it in the body',
    async (request) => {
      await using sim = await createSimulator({ apiKey: 'key' })
      const path = `/openai/v1/${/(?:audio|images|responses)\/\w+|\w+$/.exec(request.path.split('?')[0] ?? '')?.[0]}`
      for (const model of invalid) {
        const sent = bodyOf(request, { ...request.body, model })
        const headers = {
          'api-key': 'key',
          ...(typeof sent === 'string' && { 'content-type': 'application/json' }),
        }
        const response = await sim.fetch(path, { method: 'POST', headers, body: sent })
        // The Responses API has its own error. A streamed request gets it in its stream.
        const isResponses = path.includes('/responses')
        const status = isResponses && request.body['stream'] === true ? 200 : 404
        const error = isResponses ? 'Could not find an existing deployment' : '"code": "DeploymentNotFound"'
        expect([model, response.status, await response.text()]).toEqual([
          model,
          status,
          expect.stringContaining(error),
        ])
      }
    },
  )

  it('that is invalid gets the same 404 over a socket and in process', async () => {
    await using server = await startListening()
    for (const name of invalid) {
      const path = `/openai/deployments/${escaped(name)}/chat/completions?api-version=2024-10-21`
      const bytes = chatRequest({}, { Connection: 'close' }).replace(/^POST \S+/, `POST ${path}`)
      expect((await tell(server.port, bytes)).text).toMatch(
        /^HTTP\/1\.1 404 Not Found\r\n[^]*DeploymentNotFound/,
      )
      const response = await server.sim.fetch(path, {
        method: 'POST',
        headers: { 'api-key': server.sim.apiKey },
        body: '{}',
      })
      expect([name, response.status]).toEqual([name, 404])
    }
    expect(server.log).toEqual([])
  })

  it('that is valid is returned in a header', async () => {
    await using server = await startListening()
    for (const name of valid) {
      const bytes = chatRequest({}, { Connection: 'close' }).replace(
        'deployments/gpt-4o-mini',
        `deployments/${escaped(name)}`,
      )
      const { text } = await tell(server.port, bytes)
      expect(text).toMatch(/^HTTP\/1\.1 200 OK/)
      expect(text).toContain(`\r\nx-ms-deployment-name: ${name}\r\n`)
    }
  })

  it('that is invalid is refused by the admin API, and nothing changes', async () => {
    const { app } = createTestSimulator()
    const { ask } = createAdminApi(app)
    const before = (await ask('GET', '/++/config')).text
    for (const name of invalid) {
      const put = await ask('PUT', `/++/deployments/${escaped(name)}`, { model: 'gpt-4o' })
      expect([name, put.status, put.body.error.code]).toEqual([name, 400, 'InvalidDeployment'])
      expect(put.body.error.message).toContain(rule)
      const patch = await ask('PATCH', '/++/config', { openai_deployments: { [name]: { model: 'gpt-4o' } } })
      expect([name, patch.status, patch.body.error.code]).toEqual([name, 400, 'InvalidConfig'])
      expect(patch.body.error.message).toContain(rule)
    }
    expect((await ask('GET', '/++/config')).text).toBe(before)
  })

  it('that is invalid prevents the start', async () => {
    for (const name of invalid) {
      await expect(createSimulator({ deployments: { [name]: { model: 'gpt-4o' } } })).rejects.toThrow(rule)
    }
  })

  it('that is invalid cannot be the target of a spillover, a fault or an incident', async () => {
    const ptu = { model: 'gpt-4o', provisionedThroughputUnits: 15, spilloverTo: '字' }
    await expect(createSimulator({ deployments: { ptu } })).rejects.toThrow('"ptu".spilloverTo must name')
    const fault = { probability: 1, fault: 'serverError', deployment: '字' } as const
    await expect(createSimulator({ faults: [fault] })).rejects.toThrow('must be the name of a deployment')
    const phases = [{ name: 'slow', minutes: 1, deployment: '字' }]
    await expect(createSimulator({ incidents: { phases } })).rejects.toThrow(
      'must be the name of a deployment',
    )
  })
})
