import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LoadReport } from '../../src/load/load-report.ts'
import {
  packageFolder,
  programKey,
  runProgram,
  startProgram,
  type RunningProgram,
} from '../support/built-program.ts'

/** 100 ms to the first token, then 10 ms a token, without spread. */
const firstTokenMs = 100
const tokenMs = 10
/** Maximum delay of the median on a busy machine. Nothing may be early. */
const MAX_DELAY_MS = 600

let program: RunningProgram
beforeAll(async () => {
  program = await startProgram({
    env: {
      LATENCY_TIME_SCALE: '1',
      LATENCY_OPENAI_CHAT_COMPLETIONS_MEAN: String(tokenMs),
      LATENCY_OPENAI_CHAT_COMPLETIONS_STD_DEV: '0',
      LATENCY_OPENAI_CHAT_COMPLETIONS_FIRST_TOKEN_MEAN: String(firstTokenMs),
      LATENCY_OPENAI_CHAT_COMPLETIONS_FIRST_TOKEN_STD_DEV: '0',
      OPENAI_DEPLOYMENT_CONFIG_PATH: 'deployments.json',
    },
    files: {
      'deployments.json': JSON.stringify({
        'gpt-4o': { model: 'gpt-4o', tokensPerMinute: 100_000_000 },
        'none-left': { model: 'gpt-4o', tokensPerMinute: 1 },
        tiny: { model: 'gpt-4o', tokensPerMinute: 6_000, requestsPerMinute: 6 },
      }),
    },
  })
})
afterAll(() => program.stop())

async function load(
  ...flags: string[]
): Promise<{ code: number | null; report: LoadReport; stderr: string }> {
  const { code, stdout, stderr } = await runProgram(['load', '--url', program.url, '--json', ...flags], {
    env: { SIMULATOR_API_KEY: programKey },
  })
  return { code, report: JSON.parse(stdout) as LoadReport, stderr }
}

function expectAbout(valueMs: number | undefined, dueMs: number): void {
  expect(valueMs).toBeGreaterThan(dueMs * 0.95)
  expect(valueMs).toBeLessThan(dueMs + MAX_DELAY_MS)
}

// Concurrently, because they wait for most of the time.
describe.concurrent('aoai-sim load', () => {
  it('measures the configured first-token latency, gaps and total time of streams', async () => {
    const { code, report } = await load(
      '--stream',
      '--duration',
      '2',
      '--warmup',
      '500ms',
      '--connections',
      '4',
      '--max-tokens',
      '21',
    )
    expect(code).toBe(0)
    expectAbout(report.firstTokenMs?.p50, firstTokenMs)
    expectAbout(report.wholeMs?.p50, firstTokenMs + 20 * tokenMs)
    // After a late token, the next gaps are shorter.
    expect(report.timePerOutputTokenMs?.p50).toBeGreaterThan(tokenMs / 3)
    expect(report.timePerOutputTokenMs?.p50).toBeLessThan(tokenMs * 4)
    expect(report.gapMs?.p50).toBeGreaterThan(tokenMs / 10)
    expect(report.gapMs?.p50).toBeLessThan(tokenMs * 4)
    expect(report.tokens).toEqual({ in: report.requests.ok * 100, out: report.requests.ok * 21 })
  })

  it('keeps the rate of an open loop with slow answers', async () => {
    const { report } = await load('--rate', '40', '--duration', '2', '--max-tokens', '91')
    // Ten connections of a closed loop would send ten requests per second.
    expect(report.sentPerSecond).toBeGreaterThan(25)
    expect(report.sentPerSecond).toBeLessThan(42)
    expect(report.requests).toMatchObject({ ok: report.requests.sent, unfinished: 0 })
    expectAbout(report.wholeMs?.p50, firstTokenMs + 90 * tokenMs)
  })

  it('counts 429s separately from failures and reports their retry-after', async () => {
    const { code, report } = await load(
      '--deployment',
      'tiny',
      '--rate',
      '20',
      '--duration',
      '1',
      '--max-tokens',
      '5',
    )
    const { sent, ok, limited, failed } = report.requests
    expect(code).toBe(0)
    expect(ok).toBeGreaterThan(0)
    expect(limited).toBeGreaterThan(3)
    expect({ failed, all: ok + limited }).toEqual({ failed: 0, all: sent })
    expect(report.retryAfterMs?.mostMs).toBeGreaterThan(0)
  })

  it('warns about a deployment that the simulator does not have, and continues', async () => {
    const { code, report, stderr } = await load('--deployment', 'gpt-4', '--duration', '300ms')
    expect(code).toBe(0)
    expect(stderr).toContain('no deployment gpt-4: it answers without limits')
    expect(stderr).toContain('Did you mean gpt-4o?')
    expect(report.simulator).toMatchObject({ deploymentConfigured: false })
  })

  it('reports the plan, the results and its own load as JSON', async () => {
    const { report, stderr } = await load(
      '--operation',
      'responses',
      '--workload',
      'code',
      '--max-tokens',
      '16',
      '--duration',
      '1',
    )
    expect(stderr).toBe('')
    expect(report).toMatchObject({
      target: {
        address: `${program.url}/openai/v1/responses`,
        deployment: 'gpt-4o',
        operation: 'responses',
        stream: false,
      },
      load: {
        workload: 'code',
        connections: 10,
        requestsPerSecond: null,
        durationSeconds: 1,
        warmupSeconds: 0,
      },
      ended: 'duration',
      failures: [],
      simulator: { deploymentConfigured: true, wasBottleneck: expect.any(Boolean) as boolean },
      retryAfterMs: null,
      firstTokenMs: null,
      gapMs: null,
      generator: { wasBottleneck: expect.any(Boolean) as boolean },
    })
    // Prompts of the workload have more than the default of 100 tokens.
    expect(report.tokens.in / report.requests.ok).toBeGreaterThan(300)
    expect(report.tokensPerSecond.out).toBeGreaterThan(0)
  })
})

describe.concurrent('the Artillery kit', () => {
  /** Calls the function of the kit in a separate process, as Artillery does. Returns the emitted events. */
  async function ask(deployment: string): Promise<{ kind: string; name: string; value?: number }[]> {
    const processor = pathToFileURL(join(packageFolder, 'examples/load/artillery-processor.mjs')).href
    const script = `
      import { askForStream } from ${JSON.stringify(processor)}
      const emitted = []
      const events = { emit: (kind, name, value) => emitted.push({ kind, name, value }) }
      for (let request = 0; request < 3; request++) {
        await askForStream({ vars: { target: ${JSON.stringify(program.url)} } }, events)
      }
      process.stdout.write(JSON.stringify(emitted))`
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', script],
      {
        env: { SIMULATOR_API_KEY: programKey, LOAD_DEPLOYMENT: deployment, LOAD_WORKLOAD: 'code' },
      },
    )
    return JSON.parse(stdout) as { kind: string; name: string; value?: number }[]
  }

  it('measures the first token and the gaps of streams', async () => {
    const emitted = await ask('gpt-4o')
    const firstTokens = emitted.filter(({ name }) => name === 'chat.first_token')
    expect(firstTokens).toHaveLength(3)
    for (const { value } of firstTokens) expect(value).toBeGreaterThan(firstTokenMs * 0.95)
    expect(emitted.filter(({ name }) => name === 'chat.ok')).toHaveLength(3)
  })

  it('counts 429s separately and reports their retry-after', async () => {
    const emitted = await ask('none-left')
    expect(emitted.map(({ kind, name }) => `${kind} ${name}`)).toEqual(
      Array.from({ length: 3 }, () => ['histogram chat.retry_after', 'counter chat.429']).flat(),
    )
  })
})
