import { key } from './servers.ts'

/** Number of deployments of each resource. */
const deploymentsEach = 10

/** Entry of a deployment without an effective limit. */
export const openDeployment = {
  model: 'gpt-4o',
  tokensPerMinute: 2_000_000_000,
  requestsPerMinute: 2_000_000_000,
}

/** Creates the resources `resource-0` and so on with the admin API. Each has ten deployments, of which one is `open`. */
export async function createResources(port: number, count: number): Promise<void> {
  const names = Array.from({ length: deploymentsEach }, (_, index) =>
    index === 0 ? 'open' : `chat-${index}`,
  )
  const entry = {
    keys: [key],
    deployments: Object.fromEntries(names.map((name) => [name, openDeployment])),
  }
  for (let number = 0; number < count; number += 1) await put(port, `/++/resources/resource-${number}`, entry)
}

/** Sends a PUT to the admin API, and returns how long the answer takes in milliseconds. */
export async function put(port: number, path: string, body: object): Promise<number> {
  const startedMs = performance.now()
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'PUT',
    headers: { 'api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`Could not put ${path}: ${answer.status} ${text}`)
  return performance.now() - startedMs
}
