import { describe, expect, it } from 'vitest'
import { LiveConfig, loadLiveConfig } from './live-config.ts'
import type { MadeResource } from './patches.ts'
import type { ConfigInputs } from './read-inputs.ts'
import { type TestResource, withResources } from '../../tests/support/resource-inputs.ts'

const noFile = (): never => {
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
}

const base: ConfigInputs = loadLiveConfig({
  flags: {},
  env: { SIMULATOR_API_KEY: 'key' },
  workingDirectory: '/',
  readFile: noFile,
}).inputs

const manyOf = (count: number): Record<string, TestResource> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `resource-${index}`,
      { deployments: { chat: { model: 'gpt-4o' }, other: { model: 'gpt-4o-mini' } } },
    ]),
  )

/** Names of the resources that are not the same object as before. */
const changedBy = async (live: LiveConfig, change: () => Promise<unknown>): Promise<string[]> => {
  const before = live.current.resources
  await change()
  return [...live.current.resources].flatMap(([name, view]) => (before.get(name) === view ? [] : [name]))
}

describe('a change of one of many resources', () => {
  const entry = { model: 'gpt-4o', tokensPerMinute: 1_000 }
  const start = (): LiveConfig => new LiveConfig(withResources(base, manyOf(20)))

  it('leaves the objects of all other resources the same, also after changes of several', async () => {
    const live = start()
    const putIn = (name: string) => changedBy(live, () => live.putDeployment('new', entry, name))
    expect(await putIn('resource-3')).toEqual(['resource-3'])
    expect(await putIn('resource-4')).toEqual(['resource-4'])
    expect(await putIn('resource-3')).toEqual([])
    expect(await putIn('default')).toEqual(['default'])
    expect(await putIn('resource-5')).toEqual(['resource-5'])
    expect(await changedBy(live, () => live.patch({ region: 'West US' }, 'resource-4'))).toEqual([
      'resource-4',
    ])
    expect(await changedBy(live, () => live.putDeployment('new', null, 'resource-4'))).toEqual(['resource-4'])
  })

  it('leaves the deployments that it does not name the same', async () => {
    const live = start()
    const chatOf = () => live.current.resources.get('resource-3')?.deployments.get('chat')
    const before = chatOf()
    await live.putDeployment('new', entry, 'resource-3')
    expect([before?.name, chatOf()]).toEqual(['chat', before])
    expect(chatOf()).toBe(before)
  })

  it('leaves other resources that were created at run time the same', async () => {
    const live = start()
    const create = (name: string) =>
      live.update((patches) => {
        const made: MadeResource = {
          entry: { region: 'West US', deployments: { chat: { model: 'gpt-4o' } } },
          keys: [],
          id: `${name} 1`,
          secret: 'secret',
          createdAt: '2026-11-30T00:00:00Z',
        }
        return { patches: { ...patches, made: { ...patches.made, [name]: made } }, result: undefined }
      })
    expect(await changedBy(live, () => create('made-1'))).toEqual(['made-1'])
    expect(await changedBy(live, () => create('made-2'))).toEqual(['made-2'])
    const putIn = (name: string) => changedBy(live, () => live.putDeployment('new', entry, name))
    expect(await putIn('made-1')).toEqual(['made-1'])
    expect(await putIn('resource-1')).toEqual(['resource-1'])
    expect(live.current.resources.get('made-1')?.deployments.size).toBe(2)
  })

  it('changes all resources that inherit a changed setting, and no others', async () => {
    const live = start()
    await live.patch({ region: 'West US' }, 'resource-7')
    const changed = await changedBy(live, () => live.patch({ region: 'North Europe' }))
    expect(changed).toHaveLength(20)
    expect(changed).not.toContain('resource-7')
    expect(live.current.resources.get('resource-8')?.region).toBe('North Europe')
  })

  it('is refused with the path of its resource, and the next change is applied', async () => {
    const live = start()
    const { problems } = await live.putDeployment('new', { model: 5 }, 'resource-3')
    expect(problems).toEqual([expect.stringContaining('resources.resource-3: ')])
    expect(await changedBy(live, () => live.putDeployment('new', entry, 'resource-2'))).toEqual([
      'resource-2',
    ])
  })
})
