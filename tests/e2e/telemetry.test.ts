import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runInProcess, startProgram } from '../support/built-program.ts'
import { type FakeCollector, startCollector } from '../support/fake-collector.ts'

describe('the program with a collector', () => {
  let collector: FakeCollector
  beforeAll(async () => {
    collector = await startCollector()
  })
  afterAll(() => collector[Symbol.asyncDispose]())

  const ask = async (program: { url: string; key: string }): Promise<number> => {
    const url = `${program.url}/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21`
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'api-key': program.key, 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], max_tokens: 20, stream: true }),
    })
    await response.text()
    return response.status
  }

  it('sends metrics and spans as set by flags, variables and .env, the last ones when it stops', async () => {
    await using program = await startProgram({
      args: ['--otel-traces-exporter', 'otlp'],
      env: {
        OTEL_SERVICE_NAME: 'my-simulator',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      },
      files: {
        '.env': `OTEL_EXPORTER_OTLP_ENDPOINT=${collector.url}\nOTEL_EXPORTER_OTLP_HEADERS=api-key=hidden\n`,
      },
    })
    expect(await ask(program)).toBe(200)
    const { code, stdout, stderr } = await program.stop()
    expect(code).toBe(0)
    expect(stdout + stderr).not.toContain('hidden')
    expect(collector.taken.map(({ path }) => path).toSorted()).toEqual(['/v1/metrics', '/v1/traces'])
    for (const { headers, body } of collector.taken) {
      expect(headers['content-type']).toBe('application/x-protobuf')
      expect(headers['api-key']).toBe('hidden')
      expect(body.length).toBeGreaterThan(100)
    }
    expect(new Set(collector.points().map(({ metric }) => metric))).toEqual(
      new Set([
        'gen_ai.server.request.duration',
        'gen_ai.server.time_to_first_token',
        'gen_ai.server.time_per_output_token',
        'gen_ai.client.token.usage',
      ]),
    )
    expect(collector.spans()[0]?.resource).toMatchObject({
      'service.name': 'my-simulator',
      'deployment.environment.name': 'test',
    })
  })

  it('stops in order and in time if the collector is not available, with one log line', async () => {
    await using program = await startProgram({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_METRIC_EXPORT_INTERVAL: '100',
        OTEL_EXPORTER_OTLP_TIMEOUT: '200',
      },
    })
    for (let turn = 0; turn < 4; turn++) {
      expect(await ask(program)).toBe(200)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    const began = performance.now()
    const { code, stderr } = await program.stop()
    expect(code).toBe(0)
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(stderr.split('\n').filter((line) => line.includes('collector'))).toHaveLength(1)
  })

  it('refuses an unsupported protocol', async () => {
    const { code, stderr } = await runInProcess([], {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    })
    expect(code).toBe(2)
    expect(stderr).toContain('OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf (got grpc)')
  })
})
