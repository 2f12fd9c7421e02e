import { describe, expect, it, vi } from 'vitest'
import { filesInMemory } from '../../tests/support/files-in-memory.ts'
import { withResources } from '../../tests/support/resource-inputs.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { LiveConfig } from './live-config.ts'
import { noChanges, type Patches } from './patches.ts'
import { type ConfigInputs, readInputs } from './read-inputs.ts'

const deployments = {
  a: { model: 'gpt-4o', tokensPerMinute: 100, latency: { firstToken: 10, perToken: 2 } },
  b: { model: 'gpt-4o', tokensPerMinute: 100 },
}

const inputsOf = (file: object = deployments, env: Record<string, string> = {}): ConfigInputs => {
  const { inputs, problems } = readInputs({
    flags: {},
    env: { OPENAI_DEPLOYMENT_CONFIG_PATH: 'deployments.json', ...env },
    workingDirectory: '/',
    readFile: filesInMemory({ 'deployments.json': JSON.stringify(file) }),
  })
  expect(problems).toEqual([])
  return inputs
}

const setUp = (env?: Record<string, string>) => {
  const live = new LiveConfig(inputsOf(deployments, env))
  const shownDeployments = () => live.shown()['openai_deployments'] as Record<string, unknown>
  const patchDeployments = async (patch: object) => {
    expect((await live.patch({ openai_deployments: patch })).problems).toEqual([])
  }
  return { live, shownDeployments, patchDeployments }
}

describe('patch', () => {
  it('creates a new configuration, and does not change the previous one', async () => {
    const { live } = setUp({ SIMULATOR_REGION: 'West US' })
    const first = live.current
    const { problems, before } = await live.patch({ region: 'X', latency: { time_scale: 2 } })
    expect(problems).toEqual([])
    expect(before).toBe(first)
    expect(first.defaultResource.region).toBe('West US')
    expect([live.current.defaultResource.region, live.current.defaultResource.latency.timeScale]).toEqual([
      'X',
      2,
    ])
    expect(Object.isFrozen(live.current)).toBe(true)
    expect(live.current.defaultResource.apiKey).toBe(first.defaultResource.apiKey)
  })

  it('resets a setting to its default with null', async () => {
    const { live } = setUp({ SIMULATOR_REGION: 'West US' })
    await live.patch({ region: 'X' })
    await live.patch({ region: null })
    expect(live.current.defaultResource.region).toBe('East US 2')
  })

  it('reuses the objects of deployments and modes that it does not change', async () => {
    const { live, patchDeployments } = setUp()
    const first = live.current
    await patchDeployments({ a: { tokens_per_minute: 5 } })
    const second = live.current
    expect(second.defaultResource.deployments.get('b')).toBe(first.defaultResource.deployments.get('b'))
    expect(second.defaultResource.deployments.get('a')).not.toBe(first.defaultResource.deployments.get('a'))
    await live.patch({ region: 'X', openai_deployments: { c: { model: 'gpt-4o' } } })
    expect(live.current.defaultResource.deployments.get('a')).toBe(
      second.defaultResource.deployments.get('a'),
    )
    expect(live.current.defaultResource.mode).toBe(first.defaultResource.mode)
  })

  it('is rejected as a whole', async () => {
    const { live } = setUp()
    const first = live.current
    const { problems } = await live.patch({ region: 'X', openai_deployments: { a: { model: null } } })
    expect(problems).toHaveLength(1)
    expect(live.current).toBe(first)
    expect(live.patches).toEqual({ put: {}, patch: {} })
    await live.patch({ tool_call_probability: 1 })
    expect(live.current.defaultResource.region).toBe('East US 2')
  })

  it('is rejected if prepare rejects', async () => {
    const { live } = setUp()
    const first = live.current
    live.prepare = () => Promise.reject(new OperatorError('RECORDINGS_UNREADABLE', 'gone'))
    await expect(live.patch({ region: 'X' })).rejects.toThrow('gone')
    expect(live.current).toBe(first)
    live.prepare = async () => {}
    expect((await live.patch({ region: 'Y' })).problems).toEqual([])
  })

  it('waits for the previous patch', async () => {
    const { live } = setUp()
    const regions: string[] = []
    live.onChange(({ defaultResource }) => regions.push(defaultResource.region))
    live.prepare = async ({ defaultResource }) => {
      if (defaultResource.region === 'slow') await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all([live.patch({ region: 'slow' }), live.patch({ region: 'quick' })])
    expect(regions).toEqual(['slow', 'quick'])
  })
})

describe('consecutive patches', () => {
  it('have the result of applying one after the other', async () => {
    const { shownDeployments, patchDeployments } = setUp()
    await patchDeployments({ a: null })
    expect(shownDeployments()).not.toHaveProperty('a')
    await patchDeployments({ a: { model: 'gpt-4o-mini' } })
    expect(shownDeployments()['a']).toEqual({ model: 'gpt-4o-mini' })
  })

  it('have the same result within a deployment', async () => {
    const { shownDeployments, patchDeployments } = setUp()
    await patchDeployments({ a: { latency: null } })
    await patchDeployments({ a: { latency: { first_token: 5 } } })
    expect(shownDeployments()['a']).toMatchObject({ latency: { first_token: 5 }, tokens_per_minute: 100 })
    expect((shownDeployments()['a'] as { latency: object }).latency).toEqual({ first_token: 5 })
    await patchDeployments({ a: { latency: { per_token: 1 } } })
    expect((shownDeployments()['a'] as { latency: object }).latency).toEqual({ first_token: 5, per_token: 1 })
  })

  it('can spell a key in two ways: the last one applies', async () => {
    const { shownDeployments, patchDeployments } = setUp()
    await patchDeployments({ a: { tokens_per_minute: 1 } })
    await patchDeployments({ a: { tokensPerMinute: 2 } })
    await patchDeployments({ a: { tokens_per_minute: 3 } })
    expect(shownDeployments()['a']).toMatchObject({ tokens_per_minute: 3 })
    await patchDeployments({ a: { tokensPerMinute: null } })
    expect(shownDeployments()['a']).not.toHaveProperty('tokens_per_minute')
  })

  it('apply again on another base', async () => {
    const { live, shownDeployments, patchDeployments } = setUp()
    await patchDeployments({ a: { latency: null }, b: null })
    await patchDeployments({ a: { latency: { first_token: 5 } }, b: { model: 'gpt-4o-mini' } })
    const before = shownDeployments()
    expect((await live.rebase(inputsOf())).problems).toEqual([])
    expect(shownDeployments()).toEqual(before)
  })
})

describe('put of a deployment', () => {
  it('replaces the deployment and discards patches of it', async () => {
    const { live, shownDeployments, patchDeployments } = setUp()
    await patchDeployments({ a: { requests_per_minute: 1 }, b: { requests_per_minute: 2 } })
    await live.putDeployment('a', { model: 'gpt-4o', tokens_per_minute: 7 })
    expect(shownDeployments()).toMatchObject({
      a: { model: 'gpt-4o', tokens_per_minute: 7 },
      b: { requests_per_minute: 2 },
    })
    expect(shownDeployments()['a']).not.toHaveProperty('requests_per_minute')
    await patchDeployments({ a: { requests_per_minute: 3 } })
    expect(shownDeployments()['a']).toEqual({ model: 'gpt-4o', tokens_per_minute: 7, requests_per_minute: 3 })
  })

  it('removes it with null', async () => {
    const { live, shownDeployments, patchDeployments } = setUp()
    await patchDeployments({ a: { requests_per_minute: 1 } })
    await live.putDeployment('a', null)
    expect(Object.keys(shownDeployments())).toEqual(['b'])
    expect(live.current.defaultResource.deployments.has('a')).toBe(false)
  })
})

describe('reset', () => {
  it('restores the base', async () => {
    const { live, patchDeployments } = setUp({ SIMULATOR_REGION: 'West US' })
    const first = live.current
    const shown = live.shown()
    await patchDeployments({ a: null, b: { tokens_per_minute: 1 } })
    await live.patch({ region: 'X', faults: [{ probability: 1, fault: 'serverError' }] })
    await live.reset()
    expect(live.shown()).toEqual(shown)
    expect(live.current).toEqual(first)
  })

  it('replaces the changes with other ones', async () => {
    const { live, patchDeployments } = setUp()
    await patchDeployments({ a: { tokens_per_minute: 1 } })
    await live.putDeployment('c', { model: 'gpt-4o' })
    const { patches } = live
    const shown = live.shown()
    await live.reset()
    await live.reset(JSON.parse(JSON.stringify(patches)) as typeof patches)
    expect(live.shown()).toEqual(shown)
  })
})

describe('new base', () => {
  it('keeps the changes on top, the key, and the deployments that are the same', async () => {
    const { live, shownDeployments, patchDeployments } = setUp()
    const first = live.current
    await patchDeployments({ a: { tokens_per_minute: 1 } })
    await live.rebase(inputsOf({ ...deployments, c: { model: 'gpt-4o' } }, { SIMULATOR_REGION: 'X' }))
    expect(shownDeployments()).toMatchObject({ a: { tokens_per_minute: 1 }, c: { model: 'gpt-4o' } })
    expect(live.current.defaultResource.region).toBe('X')
    expect(live.current.defaultResource.apiKey).toBe(first.defaultResource.apiKey)
    expect(live.current.defaultResource.deployments.get('b')).toBe(first.defaultResource.deployments.get('b'))
  })

  it('is rejected if the changes do not apply to it', async () => {
    const { live, patchDeployments } = setUp()
    await patchDeployments({ a: { tokens_per_minute: 1 } })
    const before = live.current
    const { problems } = await live.rebase(inputsOf({ b: deployments.b }))
    expect(problems).toHaveLength(1)
    expect(live.current).toBe(before)
  })
})

describe('change of a named resource', () => {
  const chat = { model: 'gpt-4o', tokensPerMinute: 100 }
  const setUpTwo = () => {
    const resources = {
      acme: { deployments: { a: chat, b: { ...chat } } },
      beta: { deployments: { a: { ...chat } } },
    }
    return new LiveConfig(withResources(inputsOf(deployments, { SIMULATOR_REGION: 'X' }), resources))
  }
  const limitOf = (live: LiveConfig, resource: string, name = 'a') =>
    live.current.resources.get(resource)?.deployments.get(name)?.tokensPerMinute

  it('changes only that resource, and resolves no other again', async () => {
    const live = setUpTwo()
    const before = live.current
    const { problems } = await live.patch({ openai_deployments: { a: { tokens_per_minute: 7 } } }, 'acme')
    expect(problems).toEqual([])
    await live.putDeployment('c', chat, 'acme')
    expect([limitOf(live, 'default'), limitOf(live, 'acme'), limitOf(live, 'beta')]).toEqual([100, 7, 100])
    expect([limitOf(live, 'default', 'c'), limitOf(live, 'acme', 'c')]).toEqual([undefined, 100])
    for (const name of ['default', 'beta']) {
      expect(live.current.resources.get(name)?.deployments).toBe(before.resources.get(name)?.deployments)
    }
    const [now, then] = [live.current, before].map(({ resources }) => resources.get('acme')?.deployments)
    expect(now?.get('b')).toBe(then?.get('b'))
    expect(live.patches).toEqual({
      put: {},
      patch: {},
      resources: { acme: { put: { c: chat }, patch: { openai_deployments: { a: { tokensPerMinute: 7 } } } } },
    })
  })

  it('has priority over the settings of the default resource, which all others still inherit', async () => {
    const live = setUpTwo()
    await live.patch({ region: 'Y' }, 'acme')
    await live.patch({ region: 'Z', completion_length: 'natural' })
    const regions = Array.from(live.current.resources, ([name, { region, completionLength }]) => [
      name,
      region,
      completionLength,
    ])
    expect(regions).toEqual([
      ['default', 'Z', 'natural'],
      ['acme', 'Y', 'natural'],
      ['beta', 'Z', 'natural'],
    ])
    await live.reset()
    expect(live.current.resources.get('acme')?.region).toBe('X')
  })

  it('is rejected with the path of the problem', async () => {
    const live = setUpTwo()
    const patch = { openai_deployments: { a: { model: 5 } }, body_limit_mb: 1, regio: 'x' }
    expect((await live.patch(patch, 'acme')).problems).toEqual([
      'resources.acme: body_limit_mb is a setting of all resources. Patch it without naming a resource.',
      expect.stringMatching(/^resources.acme: regio is not part of the configuration. Did you mean region\?/),
      expect.stringMatching(/^resources.acme: openai_deployments: "a".model must be the name of a model/),
    ])
    expect((await live.putDeployment('a', chat, 'gamma')).problems).toEqual([
      'The resource "gamma" does not exist.',
    ])
    expect(live.patches.resources).toBeUndefined()
  })
})

describe('a store that writes changes later', () => {
  const setUpStore = () => {
    const { live } = setUp()
    const offers: Patches[] = []
    let settle = (): void => {}
    const settled = new Promise<void>((resolve) => (settle = resolve))
    live.store = {
      async offer(patches) {
        offers.push(patches)
        return 'later'
      },
      settled: () => settled,
    }
    return { live, offers, settle }
  }
  const untilOffered = (offers: readonly unknown[], count: number): Promise<void> =>
    vi.waitFor(() => expect(offers).toHaveLength(count))

  it('delays the result of a change, but not the change and the next one', async () => {
    const { live, offers, settle } = setUpStore()
    let isDone = false
    const changing = live.patch({ region: 'X' }).then(() => (isDone = true))
    await untilOffered(offers, 1)
    void live.patch({ completion_length: 'natural' })
    await untilOffered(offers, 2)
    expect([isDone, live.current.defaultResource.region, live.unstored]).toEqual([false, 'X', 2])
    live.markStored(offers[0] ?? noChanges)
    expect(live.unstored).toBe(1)
    live.markStored(offers[1] ?? noChanges)
    expect(live.unstored).toBe(0)
    settle()
    await changing
  })

  it('gets changes again on top of those of another process, with the last result of each', async () => {
    const { live, offers, settle } = setUpStore()
    const first = live.patch({ openai_deployments: { a: { tokens_per_minute: 5 } } })
    const second = live.putDeployment('c', deployments.b)
    await untilOffered(offers, 2)
    const others = { put: {}, patch: { region: 'Y', openai_deployments: { b: null } } }
    expect(await live.adopt(() => others)).toEqual({ problems: [], dropped: [] })
    settle()
    expect(await Promise.all([first, second])).toMatchObject([{ problems: [] }, { problems: [] }])
    expect(live.current.defaultResource.region).toBe('Y')
    expect([...live.current.defaultResource.deployments.keys()]).toEqual(['a', 'c'])
    expect(offers.at(-1)).toEqual(live.patches)
    expect(live.unstored).toBe(2)
  })

  it('reports a change that does not fit those of another process', async () => {
    const { live, offers, settle } = setUpStore()
    const changing = live.patch({ openai_deployments: { a: { tokens_per_minute: 5 } } })
    await untilOffered(offers, 1)
    const { problems, dropped } = await live.adopt(() => ({
      put: { a: null },
      patch: {},
    }))
    settle()
    expect([problems, dropped]).toEqual([[], [expect.stringMatching(/"a".*model/)]])
    expect((await changing).problems).toEqual(dropped)
    expect(live.unstored).toBe(0)
  })

  it('changes nothing if the changes of another process are invalid', async () => {
    const { live, offers } = setUpStore()
    void live.patch({ region: 'X' })
    await untilOffered(offers, 1)
    const { problems } = await live.adopt(() => ({ put: {}, patch: { region: 5 } }))
    expect(problems).toEqual([expect.stringContaining('region')])
    expect([live.current.defaultResource.region, live.unstored]).toEqual(['X', 1])
  })

  it('is offered all current changes if it has nothing new', async () => {
    const { live, offers } = setUpStore()
    void live.patch({ region: 'X' })
    await untilOffered(offers, 1)
    live.store = {
      async offer(patches) {
        offers.push(patches)
        return 'stored'
      },
    }
    await live.adopt(() => undefined)
    expect([offers.at(-1), live.unstored]).toEqual([{ put: {}, patch: { region: 'X' } }, 0])
    await live.adopt(() => undefined)
    expect(offers).toHaveLength(2)
  })
})
