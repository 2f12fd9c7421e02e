import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { targetSimulator } from './target-simulator.ts'

const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

interface State {
  mode: string
  parts: number
  inTime: number
  gauge: number
}

const exposition = ({ mode, parts, inTime, gauge }: State): string =>
  [
    `aoai_simulator_info{version="1.0.0",mode="${mode}",region="East US"} 1`,
    `aoai_simulator_lateness_seconds_bucket{le="0.01",part="token"} 1`,
    `aoai_simulator_lateness_seconds_bucket{le="0.025",part="token"} ${inTime}`,
    `aoai_simulator_lateness_seconds_bucket{le="+Inf",part="token"} ${parts}`,
    `aoai_simulator_lateness_seconds_count{part="token"} ${parts}`,
    `aoai_simulator_bottleneck ${gauge}`,
  ].join('\n')

/** Starts a simulator with the state that the test sets. It accepts one key. */
async function simulate(deployment: string, apiKey = 'secret', prefix = '', metrics?: string) {
  const state: State = { mode: 'generate', parts: 0, inTime: 0, gauge: 0 }
  const paths: string[] = []
  const server = createServer(({ url = '', headers }, response) => {
    paths.push(url)
    if (url === `${prefix}/metrics`) return response.end(metrics ?? exposition(state))
    if (url !== `${prefix}/++/deployments`) return response.writeHead(404).end()
    if (headers['api-key'] !== 'secret') return response.writeHead(401).end('{}')
    return response.end('{"deployments":{"gpt-4o":{},"embed":{}}}')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  closers.push(() => server.close().closeAllConnections())
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}/`)
  return { state, paths, target: targetSimulator({ url, apiKey, deployment }) }
}

describe('the check of the deployment', () => {
  it('suggests the nearest deployment of the simulator', async () => {
    const { target } = await simulate('gpt-4')
    expect(await target.checkDeployment()).toMatch(
      /no deployment gpt-4:.* Did you mean gpt-4o\? Configured: gpt-4o, embed\.$/,
    )
    expect(await target.read()).toMatchObject({ deploymentConfigured: false })
  })

  it('returns no warning for a configured deployment, also behind a path prefix', async () => {
    const { target } = await simulate('embed', 'secret', '/gateway')
    expect(await target.checkDeployment()).toBeUndefined()
    expect(await target.read()).toMatchObject({ deploymentConfigured: true })
  })

  it.each(['record', 'replay'])('is skipped in %s mode, in which deployments do not matter', async (mode) => {
    const { target, state, paths } = await simulate('typo')
    state.mode = mode
    expect(await target.checkDeployment()).toBeUndefined()
    expect(paths).toEqual(['/metrics'])
  })

  it('returns no warning if the key is rejected', async () => {
    const { target } = await simulate('typo', 'wrong')
    expect(await target.checkDeployment()).toBeUndefined()
    expect(await target.read()).toMatchObject({ deploymentConfigured: null })
  })

  it('sends no key to a target that is not a simulator, and reports nothing about it', async () => {
    const { target, paths } = await simulate('typo', 'secret', '', 'text of something else')
    expect([await target.checkDeployment(), await target.read()]).toEqual([undefined, null])
    expect(paths).toEqual(['/metrics', '/metrics'])
  })
})

/** Starts a simulator with a named resource. Its admin API accepts one key. */
async function simulateResource(resource: string, deployment: string, apiKey = 'secret') {
  const paths: string[] = []
  const info = (labels: string): string => `aoai_resource_info{${labels}region="East US"} 1`
  const server = createServer(({ url = '', headers }, response) => {
    paths.push(url)
    if (url === '/metrics') {
      const state = { mode: 'replay', parts: 0, inTime: 0, gauge: 0 }
      const limit = 'aoai_deployment_limit_per_minute{resource="east",deployment="chat",type="tokens"} 5'
      const lines = [
        exposition(state),
        info('mode="replay",'),
        info('resource="east",mode="generate",'),
        limit,
      ]
      return response.end(lines.join('\n'))
    }
    if (url !== '/++/resources/east/deployments') return response.writeHead(404).end()
    if (headers['api-key'] !== 'secret') return response.writeHead(401).end('{}')
    return response.end('{"deployments":{"chat":{},"free":{}}}')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  closers.push(() => server.close().closeAllConnections())
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${resource}/`)
  return { paths, target: targetSimulator({ url, apiKey, deployment }) }
}

describe('the check of a resource', () => {
  it('uses the mode and the deployments of the resource', async () => {
    const { target, paths } = await simulateResource('east', 'chart')
    expect(await target.checkDeployment()).toMatch(
      /no deployment chart:.* Did you mean chat\? Configured: chat, free\.$/,
    )
    await target.restart()
    expect(await target.read()).toMatchObject({ deploymentConfigured: false, wasBottleneck: false })
    expect(paths).toEqual([
      '/east/metrics',
      '/metrics',
      '/++/resources/east/deployments',
      '/metrics',
      '/metrics',
    ])
  })

  it('finds deployments with limits in the metrics if the key is that of the resource', async () => {
    for (const [deployment, deploymentConfigured] of [
      ['chat', true],
      ['free', null],
    ] as const) {
      const { target } = await simulateResource('east', deployment, 'key-of-east')
      expect(await target.checkDeployment()).toBeUndefined()
      expect(await target.read()).toMatchObject({ deploymentConfigured })
    }
  })

  it('reports nothing about a simulator without the resource', async () => {
    const { target, paths } = await simulateResource('west', 'chat')
    expect([await target.checkDeployment(), await target.read()]).toEqual([undefined, null])
    expect(paths.filter((path) => path.includes('++'))).toEqual([])
  })
})

describe('the verdict', () => {
  it('is a bottleneck if more than 1 % of at least 50 tokens since the restart were late', async () => {
    const { target, state } = await simulate('gpt-4o')
    Object.assign(state, { parts: 1_000, inTime: 500 })
    await target.restart()
    Object.assign(state, { parts: 1_200, inTime: 698 })
    expect(await target.read()).toMatchObject({ parts: 200, lateParts: 2, wasBottleneck: false })
    state.inTime = 697
    expect(await target.read()).toMatchObject({ parts: 200, lateParts: 3, wasBottleneck: true })
    Object.assign(state, { parts: 1_049, inTime: 500 })
    expect(await target.read()).toMatchObject({ parts: 49, lateParts: 49, wasBottleneck: false })
  })

  it("is a bottleneck if the simulator's gauge says so, unless it was set before the load", async () => {
    const { target, state } = await simulate('gpt-4o')
    await target.restart()
    state.gauge = 1
    expect(await target.read()).toMatchObject({ wasBottleneck: true })
    await target.restart()
    expect(await target.read()).toMatchObject({ wasBottleneck: false })
  })

  it('uses the counters of a restarted simulator from 0', async () => {
    const { target, state } = await simulate('gpt-4o')
    Object.assign(state, { parts: 1_000, inTime: 1_000 })
    await target.restart()
    Object.assign(state, { parts: 60, inTime: 50 })
    expect(await target.read()).toMatchObject({ parts: 60, lateParts: 10, wasBottleneck: true })
  })
})
