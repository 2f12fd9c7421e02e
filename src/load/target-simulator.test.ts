import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { LoadPlan } from './load-plan.ts'
import { targetSimulator } from './target-simulator.ts'

const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

interface Told {
  mode: string
  parts: number
  inTime: number
  gauge: number
}

const exposition = ({ mode, parts, inTime, gauge }: Told): string =>
  [
    `aoai_simulator_info{version="1.0.0",mode="${mode}",region="East US"} 1`,
    `aoai_simulator_lateness_seconds_bucket{le="0.01",part="token"} 1`,
    `aoai_simulator_lateness_seconds_bucket{le="0.025",part="token"} ${inTime}`,
    `aoai_simulator_lateness_seconds_bucket{le="+Inf",part="token"} ${parts}`,
    `aoai_simulator_lateness_seconds_count{part="token"} ${parts}`,
    `aoai_simulator_bottleneck ${gauge}`,
  ].join('\n')

/** A simulator that tells what the test says, and takes one key. */
async function simulate(deployment: string, apiKey = 'secret', prefix = '', metrics?: string) {
  const told: Told = { mode: 'generate', parts: 0, inTime: 0, gauge: 0 }
  const asked: string[] = []
  const server = createServer(({ url = '', headers }, response) => {
    asked.push(url)
    if (url === `${prefix}/metrics`) return response.end(metrics ?? exposition(told))
    if (url !== `${prefix}/++/deployments`) return response.writeHead(404).end()
    if (headers['api-key'] !== 'secret') return response.writeHead(401).end('{}')
    return response.end('{"deployments":{"gpt-4o":{},"embed":{}}}')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  closers.push(() => server.close().closeAllConnections())
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}/`)
  return { told, asked, target: targetSimulator({ url, apiKey, deployment } as LoadPlan) }
}

describe('the check of the deployment', () => {
  it('names the nearest of the deployments that a simulator has', async () => {
    const { target } = await simulate('gpt-4')
    expect(await target.checkDeployment()).toMatch(
      /no deployment gpt-4:.* Did you mean gpt-4o\? Configured: gpt-4o, embed\.$/,
    )
    expect(await target.read()).toMatchObject({ deploymentConfigured: false })
  })

  it('is silent about a deployment that is configured, behind a prefix too', async () => {
    const { target } = await simulate('embed', 'secret', '/gateway')
    expect(await target.checkDeployment()).toBeUndefined()
    expect(await target.read()).toMatchObject({ deploymentConfigured: true })
  })

  it.each(['record', 'replay'])('is left out in %s mode, where no deployment answers', async (mode) => {
    const { target, told, asked } = await simulate('typo')
    told.mode = mode
    expect(await target.checkDeployment()).toBeUndefined()
    expect(asked).toEqual(['/metrics'])
  })

  it('is silent where the key is refused', async () => {
    const { target } = await simulate('typo', 'wrong')
    expect(await target.checkDeployment()).toBeUndefined()
    expect(await target.read()).toMatchObject({ deploymentConfigured: null })
  })

  it('sends no key to what is no simulator, and reports nothing of it', async () => {
    const { target, asked } = await simulate('typo', 'secret', '', 'text of something else')
    expect([await target.checkDeployment(), await target.read()]).toEqual([undefined, null])
    expect(asked).toEqual(['/metrics', '/metrics'])
  })
})

describe('the verdict', () => {
  it('counts late tokens from the start on, and calls more than 1 % of at least 50 a bottleneck', async () => {
    const { target, told } = await simulate('gpt-4o')
    Object.assign(told, { parts: 1_000, inTime: 500 })
    await target.restart()
    Object.assign(told, { parts: 1_200, inTime: 698 })
    expect(await target.read()).toMatchObject({ parts: 200, lateParts: 2, wasBottleneck: false })
    told.inTime = 697
    expect(await target.read()).toMatchObject({ parts: 200, lateParts: 3, wasBottleneck: true })
    Object.assign(told, { parts: 1_049, inTime: 500 })
    expect(await target.read()).toMatchObject({ parts: 49, lateParts: 49, wasBottleneck: false })
  })

  it("takes the simulator's own word, unless that was said before the load", async () => {
    const { target, told } = await simulate('gpt-4o')
    await target.restart()
    told.gauge = 1
    expect(await target.read()).toMatchObject({ wasBottleneck: true })
    await target.restart()
    expect(await target.read()).toMatchObject({ wasBottleneck: false })
  })

  it('takes the figures of a simulator that was started again as they are', async () => {
    const { target, told } = await simulate('gpt-4o')
    Object.assign(told, { parts: 1_000, inTime: 1_000 })
    await target.restart()
    Object.assign(told, { parts: 60, inTime: 50 })
    expect(await target.read()).toMatchObject({ parts: 60, lateParts: 10, wasBottleneck: true })
  })
})
