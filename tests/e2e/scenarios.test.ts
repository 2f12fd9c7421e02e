import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import type * as library from '../../src/index.ts'
import { judgeAnswer } from '../scenarios/judge.ts'
import { loadScenarios, type Scenario } from '../scenarios/scenario.ts'
import { packageFolder, programKey, startInProcess } from '../support/built-program.ts'
import { sendRaw } from '../support/raw-http.ts'

/** A port with a simulator. */
interface Listening {
  readonly port: number
  close(): Promise<unknown>
}

/**
 * One program for all scenarios without a configuration. A program for each of the others would take half a second of processor time,
 * so the built library listens for them. Scenarios with separate deployments fill limits and share no simulator.
 */
const listening = new Map<string, Promise<Listening>>()

function simulatorOf({ name, config }: Scenario): Promise<Listening> {
  const key = config.deployments ? name : JSON.stringify(config)
  let known = listening.get(key)
  if (!known) listening.set(key, (known = key === '{}' ? startBuiltProgram() : startBuiltLibrary(config)))
  return known
}

async function startBuiltProgram(): Promise<Listening> {
  const program = await startInProcess({})
  return { port: program.port, close: () => program.stop() }
}

async function startBuiltLibrary({ env, deployments }: Scenario['config']): Promise<Listening> {
  const built = pathToFileURL(join(packageFolder, 'dist/index.js')).href
  const { createSimulator } = (await import(built)) as typeof library
  const simulator = await createSimulator({
    apiKey: programKey,
    env: { LATENCY_TIME_SCALE: '0', ...env },
    ...(deployments && { deployments }),
  })
  const { url } = await simulator.listen()
  return { port: Number(new URL(url).port), close: () => simulator.close() }
}

afterAll(async () => {
  for (const simulator of listening.values()) await (await simulator).close()
})

describe('over a socket, the build', () => {
  it.each(loadScenarios())('$name: $title', async (scenario) => {
    const { port } = await simulatorOf(scenario)
    for (const request of scenario.earlier) await sendRaw(port, request)
    expect(judgeAnswer(scenario, await sendRaw(port, scenario.request))).toEqual([])
  })
})
