import { describe, expect, it, onTestFinished } from 'vitest'
import { createTestSimulator } from '../../../tests/support/test-simulator.ts'
import { LiveConfig } from '../../config/live-config.ts'
import { IncidentTimetables } from '../../faults/incidents.ts'
import { createSystemClock } from '../../lib/system-clock.ts'
import { Peer } from '../../shared/rpc/peer.ts'
import type { WorkerControl, V8Serialized } from './worker-messages.ts'
import { WorkerCoordinator } from './worker-coordinator.ts'
import { PrimaryFollower } from './worker-state.ts'

const deployments = Object.fromEntries(
  Array.from({ length: 500 }, (_, index) => [`chat-${index}`, { model: 'gpt-4o', tokensPerMinute: 1_000 }]),
)

const timetable = { phases: [{ name: 'slow', minutes: 10, latency: { firstTokenFactor: 2 } }] }

/** As many as a large simulator, so that a message with all of them is large. */
const resources = Object.fromEntries(
  Array.from({ length: 200 }, (_, index) => [
    `resource-${index}`,
    { deployments: { chat: { model: 'gpt-4o' } }, ...(index < 50 && { incidents: timetable }) },
  ]),
)

/** Creates a coordinator, and a worker that applies the states it receives. */
function serveOne() {
  const { app, simulator } = createTestSimulator({ deployments, resources })
  const coordinator = new WorkerCoordinator({ app, simulator, workingDirectory: '/', port: 0 })
  const worker = new LiveConfig(simulator.live.inputs)
  const incidents = new IncidentTimetables(createSystemClock())
  const sizes: number[] = []
  const link = { isLost: false }
  const follower = new PrimaryFollower({ live: worker, incidents })
  const applyState = async (state: V8Serialized): Promise<boolean> => {
    sizes.push(state.length)
    return link.isLost || follower.apply(state)
  }
  const unexpected = async (): Promise<never> => {
    throw new Error('Unexpected call.')
  }
  const learned: string[] = []
  const control: WorkerControl = {
    applyState,
    learnKeys: async (keys) => void learned.push(...keys),
    reset: unexpected,
    flushRecordingUse: () => {},
    refresh: unexpected,
    report: unexpected,
    stop: unexpected,
  }
  const served = coordinator.open(
    {
      number: 1,
      peer: new Peer({ send: () => {} }, {}),
      control,
      kill: (reason) => expect.fail(String(reason)),
    },
    { listening: () => {}, failed: () => {} },
  )
  onTestFinished(() => incidents.close())
  const { live } = simulator
  const join = async (): Promise<boolean> =>
    applyState((await served.methods['startup.join']?.([] as never)) as V8Serialized)
  const names = (config: LiveConfig): string[] => [...config.current.defaultResource.deployments.keys()]
  return { live, simulator, coordinator, worker, incidents, sizes, link, join, names, learned }
}

describe('WorkerCoordinator', () => {
  it('sends only changes to a worker that has the deployments', async () => {
    const { live, worker, sizes, join } = serveOne()
    await join()
    await live.putDeployment('chat-7', { model: 'gpt-4o', tokensPerMinute: 2_000 })
    await expect.poll(() => sizes.length).toBe(2)
    expect(sizes[1]).toBeLessThan(sizes[0]! / 20)
    await expect
      .poll(() => worker.current.defaultResource.deployments.get('chat-7')?.tokensPerMinute)
      .toBe(2_000)
  })

  it('tells a worker the keys that are made before and after it joins', async () => {
    const { live, join, learned } = serveOne()
    live.secrets.learn('early-key')
    await join()
    live.secrets.learn('late-key')
    live.secrets.learn('late-key')
    await expect.poll(() => learned).toEqual(['early-key', 'late-key'])
  })

  it('keeps the order of deployments in every worker when they are put, removed and patched', async () => {
    const { live, worker, join, names } = serveOne()
    await live.putDeployment('chat-3', { model: 'gpt-4o' })
    await join()
    await live.putDeployment('chat-5', null)
    await live.putDeployment('new', { model: 'gpt-4o-mini' })
    await live.patch({ openai_deployments: { 'chat-9': { tokens_per_minute: 5 } } })
    await expect.poll(() => worker.current.defaultResource.deployments.get('chat-9')?.tokensPerMinute).toBe(5)
    expect(names(worker)).toEqual(names(live))
    expect(names(worker).slice(-2)).toEqual(['chat-3', 'new'])
  })

  it('updates a worker that missed a change with the next change', async () => {
    const { live, worker, sizes, link, join, names } = serveOne()
    await join()
    link.isLost = true
    await live.putDeployment('missed', { model: 'gpt-4o-mini' })
    await expect.poll(() => sizes.length).toBe(2)
    link.isLost = false
    await live.putDeployment('next', { model: 'gpt-4o' })
    await expect.poll(() => names(worker).slice(-2)).toEqual(['missed', 'next'])
  })

  it('sends all deployments again, and the changes, when the deployment file has changed', async () => {
    const { live, worker, sizes, join, names } = serveOne()
    await join()
    await live.putDeployment('new', { model: 'gpt-4o-mini' })
    const edited = { ...live.base, deployments: { entries: { only: { model: 'gpt-4o' } }, location: 'file' } }
    await live.rebase(edited)
    await live.putDeployment('newer', { model: 'gpt-4o' })
    await expect.poll(() => sizes.length).toBe(4)
    await expect.poll(() => names(worker)).toEqual(['only', 'new', 'newer'])
    await live.reset()
    await expect.poll(() => names(worker)).toEqual(['only'])
  })

  it('sends only what differs after changes of many resources', async () => {
    const { live, worker, sizes, join } = serveOne()
    for (let index = 0; index < 100; index++) {
      await live.putDeployment('early', { model: 'gpt-4o' }, `resource-${index}`)
    }
    await join()
    await live.putDeployment('late', { model: 'gpt-4o' }, 'resource-7')
    await expect.poll(() => sizes.length).toBe(2)
    const namesIn = () => [...(worker.current.resources.get('resource-7')?.deployments.keys() ?? [])]
    await expect.poll(namesIn).toEqual(['chat', 'early', 'late'])
    expect(sizes[1]).toBeLessThan(1_000)
    expect(sizes[0]).toBeGreaterThan(20_000)
  })

  it('sends nothing for changes of tenants and feedback, which workers do not use', async () => {
    const { live, sizes, join } = serveOne()
    await join()
    await live.update((patches) => ({ patches: { ...patches, feedback: [] }, result: undefined }))
    await live.putDeployment('next', { model: 'gpt-4o' })
    await expect.poll(() => sizes.length).toBe(2)
  })

  it('sends the start and the end of one timetable, and leaves those of other resources running', async () => {
    const { simulator, worker, incidents, sizes, join } = serveOne()
    await join()
    expect([...incidents].filter(([, { phase }]) => phase)).toHaveLength(50)
    const other = worker.current.resources.get('resource-3')?.incidents
    if (!other) throw new Error('The resource has no timetable.')
    simulator.incidents.stop('resource-3')
    await expect.poll(() => incidents.phaseOf('resource-3')).toBeUndefined()
    simulator.incidents.start('resource-99', other)
    await expect.poll(() => incidents.phaseOf('resource-99')?.name).toBe('slow')
    expect([...incidents].filter(([, { phase }]) => phase)).toHaveLength(50)
    expect(Math.max(...sizes.slice(1))).toBeLessThan(2_000)
  })

  it('removes the resource in every worker, and its counts in exited workers', async () => {
    const { live, coordinator, worker, join } = serveOne()
    await join()
    const { metrics } = coordinator
    const counts = (resource: string) => ({ value: 3, labels: { resource, deployment: 'chat' } })
    const simulator = [
      {
        name: 'aoai_requests_total',
        help: 'Requests.',
        type: 'counter',
        aggregator: 'sum',
        values: [counts('resource-1'), counts('resource-2')],
      },
    ] as never
    const exited = { number: 2, control: { report: async () => '' } }
    metrics.add(exited)
    metrics.setReport(exited, {
      metrics: { simulator, process: [], times: [], tookMs: 0, workers: 1 },
      unused: undefined,
    })
    metrics.remove(exited)
    await live.update((patches) => ({
      patches: { ...patches, made: { 'resource-1': null } },
      result: undefined,
    }))
    await expect.poll(() => worker.current.resources.has('resource-1')).toBe(false)
    const text = await metrics.render()
    expect(text).toContain('aoai_requests_total{resource="resource-2",deployment="chat"} 3')
    expect(text).not.toContain('resource-1"')
  })
})
