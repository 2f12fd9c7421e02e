import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadLiveConfig } from '../../src/config/live-config.ts'
import { createSimulator } from '../../src/index.ts'
import { filesInMemory } from '../support/files-in-memory.ts'
import { createTestSimulator, deploymentPath } from '../support/test-simulator.ts'

/** A `.env` with the names and kinds of values of the Python simulator. */
const envFile = `
BASENAME=__CHANGE_ME___
LOCATION='northcentralus'
SIMULATOR_MODE=generate
SIMULATOR_API_KEY=
OPENAI_DEPLOYMENT_CONFIG_PATH=examples/openai_deployment_config.json
ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS=True
RECORDING_AUTOSAVE=False
LOG_LEVEL=WARNING
AZURE_OPENAI_ENDPOINT=
AZURE_OPENAI_KEY=
AZURE_OPENAI_DEPLOYMENT=
AZURE_OPENAI_EMBEDDING_DEPLOYMENT=
AZURE_FORM_RECOGNIZER_ENDPOINT=
LATENCY_OPENAI_CHAT_COMPLETIONS_MEAN=15
OTEL_SERVICE_NAME=aoai-api-simulator-local-dev
OTEL_METRIC_EXPORT_INTERVAL=10000
OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317
APPLICATIONINSIGHTS_CONNECTION_STRING=
DOC_INTELLIGENCE_RPS=15
TEST_OPENAI_ENDPOINT=
TEST_OPENAI_DEPLOYMENT=gpt-3.5-turbo-0613
`

const sizes = {
  'text-embedding-ada-001': 768,
  'text-embedding-ada-002': 1_536,
  'text-embedding-3-small': 512,
  'text-embedding-3-medium': 768,
  'text-embedding-3-large': 1_024,
  'text-embedding-3-xlarge': 1_536,
}

/** Deployments of the Python simulator: chat models with a limit, every embedding model of its catalogue, and whisper. */
const deploymentsWith = (asWritten: (value: number) => unknown, sizeKey = 'embeddingSize') => ({
  deployment1: { model: 'gpt-3.5-turbo', tokensPerMinute: asWritten(60_000) },
  ...Object.fromEntries(
    Object.entries(sizes).map(([model, size]) => [
      model,
      { model, tokensPerMinute: asWritten(10_000), [sizeKey]: asWritten(size) },
    ]),
  ),
  whisper: { model: 'whisper', requestPerMinute: asWritten(3) },
})

describe('the files of the Python simulator', () => {
  it.each([
    ['numbers', deploymentsWith((value) => value)],
    ['digits in quotes', deploymentsWith(String)],
    ['sizes by their oldest name', deploymentsWith(String, 'size')],
  ])('are accepted without a warning: %s', (_, deployments) => {
    const live = loadLiveConfig({
      flags: {},
      env: {},
      workingDirectory: '/',
      readFile: filesInMemory({
        '.env': envFile,
        'openai_deployment_config.json': JSON.stringify(deployments).replaceAll(',', ',\n\t'),
      }),
    })
    expect(live.warnings).toEqual([])
    const { current } = live
    expect(current.defaultResource.allowUndefinedDeployments).toBe(true)
    expect(current.defaultResource.deployments.size).toBe(8)
    expect(current.defaultResource.deployments.get('whisper')?.requestsPerMinute).toBe(3)
  })

  it('include the example deployment file, at the path in their settings', () => {
    const live = loadLiveConfig({
      flags: {},
      env: { OPENAI_DEPLOYMENT_CONFIG_PATH: 'examples/openai_deployment_config.json' },
      workingDirectory: fileURLToPath(new URL('../..', import.meta.url)),
      readFile: (path) => (path.endsWith('.env') ? '' : readFileSync(path, 'utf8')),
    })
    expect(live.warnings).toEqual([])
    expect(live.current.defaultResource.deployments.get('text-embedding-3-xlarge')?.embeddingSize).toBe(1_536)
  })

  it.each(Object.entries(sizes))('%s returns %i numbers', async (deployment, size) => {
    const { post } = createTestSimulator({ deployments: deploymentsWith(String) })
    const response = await post(deploymentPath(deployment, 'embeddings'), { input: 'hello' })
    expect(response.status).toBe(200)
    const { data } = (await response.json()) as { data: { embedding: number[] }[] }
    expect(data[0]?.embedding).toHaveLength(size)
  })

  it('an embeddingSize above that of the model is also the maximum for requests', async () => {
    const { post } = createTestSimulator({
      deployments: { wide: { model: 'text-embedding-3-small', embeddingSize: 4_096 } },
    })
    const lengths: unknown[] = []
    for (const dimensions of [undefined, 4_096, 100, 4_097]) {
      const response = await post(deploymentPath('wide', 'embeddings'), { input: 'hello', dimensions })
      const body = (await response.json()) as { data?: { embedding: number[] }[] }
      lengths.push(body.data?.[0]?.embedding.length ?? response.status)
    }
    expect(lengths).toEqual([4_096, 4_096, 100, 400])
  })

  it('the library accepts the same entries', async () => {
    await using simulator = await createSimulator({
      log: 'silent',
      deployments: { later: { model: 'gpt-9-nova', tokensPerMinute: 100 } },
    })
    const { openai_deployments: shown } = simulator.config() as { openai_deployments: object }
    expect(shown).toEqual({ later: { model: 'gpt-9-nova', tokens_per_minute: 100 } })
    await expect(
      createSimulator({ modelsStrict: true, deployments: { later: { model: 'gpt-9-nova' } } }),
    ).rejects.toThrow(/"later"\.model must be a known model/)
  })
})
