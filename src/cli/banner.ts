import type { Config } from '../config/config.ts'
import type { Deployment } from '../config/deployments.ts'

/** A version that every operation of the data plane takes. */
const exampleApiVersion = '2024-10-21'

/** What a newcomer needs to see after the start: where it is, how to get in, and a request that works. */
export function renderBanner(config: Config, url: string, workers = 1): string {
  const key = config.apiKeyGenerated ? config.apiKey : '(as set in SIMULATOR_API_KEY)'
  const deployments = [...config.deployments.values()]
  const lines = [
    `aoai-simulated-api runs in ${config.mode.kind} mode.`,
    '',
    `  Endpoint     ${url}`,
    `  API key      ${key}`,
    `  Admin key    ${config.adminApiKey === config.apiKey ? 'the API key' : '(as set in SIMULATOR_ADMIN_API_KEY)'}`,
    `  Metrics      ${url}/metrics`,
    ...(workers > 1 ? [`  Workers      ${workers} processes`] : []),
    `  Deployments  ${describeDeployments(deployments, config.allowUndefinedDeployments)}`,
    '',
    'Try it:',
    '',
    ...exampleRequest(config, url, deployments),
    '',
    '',
  ]
  return lines.join('\n')
}

function describeDeployments(deployments: readonly Deployment[], allowUndefined: boolean): string {
  const named = deployments.map(({ name, model }) => (name === model.name ? name : `${name} (${model.name})`))
  if (allowUndefined) named.push('and any other name, without limits')
  return named.length > 0 ? named.join('\n               ') : 'none'
}

function exampleRequest(config: Config, url: string, deployments: readonly Deployment[]): string[] {
  const chat = deployments.find(
    ({ model }) => model.operations.includes('chatCompletions') && !model.reasoning,
  )
  const name = encodeURIComponent(chat?.name ?? 'gpt-4o-mini')
  const key = config.apiKeyGenerated ? config.apiKey : '$SIMULATOR_API_KEY'
  return [
    `  curl "${url}/openai/deployments/${name}/chat/completions?api-version=${exampleApiVersion}" \\`,
    `    -H "api-key: ${key}" -H "Content-Type: application/json" \\`,
    `    -d '{"messages":[{"role":"user","content":"Hello"}],"max_tokens":20}'`,
  ]
}
