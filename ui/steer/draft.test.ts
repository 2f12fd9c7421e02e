import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { callOf, curlOf, hideSecrets, hideSecretsIn, startCall } from './draft.ts'

const patchable = new Set(['region', 'latency', 'deployments', 'faults'])
const entry = {
  region: 'West US',
  keys: [{ id: 'k' }],
  deployments: { chat: { model: 'gpt-4o', tokens_per_minute: 5 } },
}
const resource = (name: string) => ({ kind: 'resource', name }) as const

describe('the call of a draft', () => {
  it('patches the configuration for the default resource, with only what was changed', () => {
    const edited = { ...entry, deployments: { chat: { model: 'gpt-4o', tokens_per_minute: 1 } } }
    const call = callOf({ target: resource('default'), base: entry, edited }, patchable)
    expect(call).toMatchObject({
      method: 'PATCH',
      path: '/++/config',
      body: { openai_deployments: { chat: { tokens_per_minute: 1 } } },
      changes: [{ path: ['deployments', 'chat', 'tokens_per_minute'], before: 5, after: 1 }],
    })
  })

  it('patches a named resource by its own route', () => {
    const edited = { ...entry, region: undefined, deployments: {} }
    const call = callOf({ target: resource('acme'), base: entry, edited }, patchable)
    expect(call).toMatchObject({
      method: 'PATCH',
      path: '/++/resources/acme',
      body: { region: null, deployments: { chat: null } },
    })
  })

  it('removes each deployment by its name if the list is removed', () => {
    const { deployments: _, ...edited } = entry
    expect(callOf({ target: resource('default'), base: entry, edited }, patchable).body).toEqual({
      openai_deployments: { chat: null },
    })
    expect(
      callOf({ target: resource('acme'), base: { ...entry, region: 'A' }, edited }, patchable).body,
    ).toEqual({
      region: 'West US',
      deployments: { chat: null },
    })
  })

  it('replaces a resource if a patch cannot change a member, and keeps all others', () => {
    const edited = { ...entry, upstream: 'east' }
    const call = callOf({ target: resource('acme'), base: entry, edited }, patchable)
    expect(call).toMatchObject({ method: 'PUT', path: '/++/resources/acme', body: edited })
  })

  it('creates, replaces and deletes', () => {
    const upstream = { kind: 'upstream', name: 'my east' } as const
    expect(callOf({ target: resource('new'), base: undefined, edited: {} }, patchable)).toMatchObject({
      method: 'PUT',
      path: '/++/resources/new',
      body: {},
    })
    expect(callOf({ target: resource('acme'), base: entry, edited: undefined }, patchable)).toMatchObject({
      method: 'DELETE',
      path: '/++/resources/acme',
    })
    expect(
      callOf({ target: upstream, base: { retries: 1 }, edited: { retries: 2 } }, patchable),
    ).toMatchObject({
      method: 'PUT',
      path: '/++/upstreams/my%20east',
      body: { retries: 2 },
    })
  })

  it('starts a timetable instead of the running one', () => {
    const timetable = { phases: [{ name: 'down', seconds: 60 }] }
    expect(startCall('my resource', timetable, undefined)).toMatchObject({
      method: 'POST',
      path: '/++/incidents/start?resource=my%20resource',
      body: timetable,
    })
  })
})

describe('secrets', () => {
  it('are hidden where a call is shown, except those that the simulator has hidden already', () => {
    const edited = { endpoint: 'https://e', key: 'planted', client_secret: '[redacted]', retries: 1 }
    const { body, changes } = callOf(
      { target: { kind: 'upstream', name: 'east' }, base: { key: 'old-planted' }, edited },
      patchable,
    )
    expect(body).toEqual(edited)
    expect(hideSecrets(body)).toEqual({ ...edited, key: '[hidden]' })
    expect(JSON.stringify(hideSecretsIn(changes))).not.toContain('planted')
    const all = hideSecretsIn(
      callOf({ target: resource('new'), base: undefined, edited: { azure_openai_key: 'planted' } }, patchable)
        .changes,
    )
    expect(JSON.stringify(all)).not.toContain('planted')
  })
})

describe('the curl command', () => {
  it('passes each character of the body through the shell', () => {
    const body = { region: `it's "$HOME" \`id\` \\ \n <b>` }
    const call = callOf({ target: resource('default'), base: {}, edited: body }, patchable)
    const command = curlOf(call, 'http://127.0.0.1:8000').replace(/^curl/, `printf '%s\\n'`)
    const printed = execFileSync('sh', ['-c', command], { encoding: 'utf8', env: { ADMIN_API_KEY: 'key' } })
    expect(printed).toBe(
      `-X\nPATCH\nhttp://127.0.0.1:8000/++/config\n-H\napi-key: key\n-d\n${JSON.stringify(body)}\n`,
    )
  })
})
