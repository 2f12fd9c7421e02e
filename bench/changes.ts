// Measures how long a change of one resource takes, with few and with many resources. See README.md in this folder.
import { parseArgs } from 'node:util'
import { manyResources } from './cases.ts'
import { createResources, openDeployment, put } from './many-resources.ts'
import { childrenOf, cpuSeconds, hasProcessFacts } from './process-facts.ts'
import { stop } from './processes.ts'
import { runToEnd } from './run-to-end.ts'
import { builtSimulator, startSimulator } from './servers.ts'
import { median, quantile } from './statistics.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const { values: flags } = parseArgs({
  options: {
    resources: { type: 'string', default: `10,${manyResources}` },
    workers: { type: 'string', default: '1,2' },
    changes: { type: 'string', default: '200' },
    simulator: { type: 'string', default: builtSimulator },
    // Shares the changes through this Redis.
    redis: { type: 'string' },
  },
})
const folder = createTemporaryFolder('changes')
const numbersOf = (list: string): number[] => list.split(',').map(Number)

async function measure(workers: number, resources: number): Promise<void> {
  const server = await startSimulator({
    program: flags.simulator,
    folder,
    core: undefined,
    deployments: { open: openDeployment },
    env: {
      WORKERS: String(workers),
      ...(flags.redis !== undefined && {
        REDIS_URL: flags.redis,
        REDIS_PREFIX: `bench-changes-${process.pid}-${workers}-${resources}:`,
      }),
    },
  })
  try {
    const { port } = server
    await createResources(port, resources)
    const pids = [server.pid, ...(hasProcessFacts ? childrenOf(server.pid) : [])]
    const cpuMs = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid) * 1_000, 0)
    const times: number[] = []
    const beforeMs = cpuMs()
    for (let change = 0; change < Number(flags.changes); change += 1) {
      const entry = { ...openDeployment, requestsPerMinute: 1_000 + change }
      times.push(await put(port, `/++/resources/resource-${change % resources}/deployments/open`, entry))
    }
    const figures = [median(times), quantile(times, 0.95), (cpuMs() - beforeMs) / times.length].map((ms) =>
      ms.toFixed(1).padStart(10),
    )
    console.log(`${String(resources).padStart(9)}${String(workers).padStart(10)}${figures.join('')}`)
  } finally {
    await stop(server.child)
  }
}

await runToEnd(600_000, async () => {
  console.log('Milliseconds from a PUT of a deployment to its answer, when all processes have applied it.')
  console.log(
    'CPU is the time of all processes for one change, which depends less on the load of the machine.',
  )
  console.log('resources   workers    median       p95       CPU')
  for (const workers of numbersOf(flags.workers)) {
    for (const resources of numbersOf(flags.resources)) await measure(workers, resources)
  }
})
