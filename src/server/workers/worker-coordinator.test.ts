import { describe, expect, it } from 'vitest'
import { createTestSimulator } from '../../../tests/support/test-simulator.ts'
import { LiveConfig } from '../../config/live-config.ts'
import { Peer } from '../../shared/rpc/peer.ts'
import type { WorkerControl, V8Serialized } from './worker-messages.ts'
import { WorkerCoordinator } from './worker-coordinator.ts'
import { deserializeState } from './worker-state.ts'

const deployments = Object.fromEntries(
  Array.from({ length: 500 }, (_, index) => [`chat-${index}`, { model: 'gpt-4o', tokensPerMinute: 1_000 }]),
)

/** Creates a coordinator, and a worker that applies the states it receives. */
function serveOne() {
  const { app, simulator } = createTestSimulator({ deployments })
  const coordinator = new WorkerCoordinator({ app, simulator, workingDirectory: '/', port: 0 })
  const worker = new LiveConfig(simulator.live.inputs)
  const sizes: number[] = []
  const link = { isLost: false }
  const applyState = async (state: V8Serialized): Promise<void> => {
    sizes.push(state.length)
    if (link.isLost) return
    const { patches, base } = deserializeState(state)
    expect((await worker.follow(patches, base)).problems).toEqual([])
  }
  const unexpected = async (): Promise<never> => {
    throw new Error('Unexpected call.')
  }
  const control: WorkerControl = {
    applyState,
    reset: unexpected,
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
  const { live } = simulator
  const join = async (): Promise<void> =>
    applyState((await served.methods['startup.join']?.([] as never)) as V8Serialized)
  const names = (config: LiveConfig): string[] => [...config.current.defaultResource.deployments.keys()]
  return { live, worker, sizes, link, join, names }
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
})
