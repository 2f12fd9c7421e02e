import { afterAll, describe, expect, it } from 'vitest'
import { judgeAnswer } from '../scenarios/judge.ts'
import { loadScenarios, type Scenario } from '../scenarios/scenario.ts'
import { startProgram, type RunningProgram } from '../support/built-program.ts'
import { sendRaw } from '../support/raw-http.ts'

/** One program for all scenarios with the same configuration. Scenarios with separate deployments fill limits and share no program. */
const programs = new Map<string, Promise<RunningProgram>>()

function programOf({ name, config }: Scenario): Promise<RunningProgram> {
  const key = config.deployments ? name : JSON.stringify(config)
  let program = programs.get(key)
  if (!program) programs.set(key, (program = startProgram(config)))
  return program
}

afterAll(async () => {
  for (const program of programs.values()) await (await program).stop()
})

describe('over a socket, the built program', () => {
  it.each(loadScenarios())('$name: $title', async (scenario) => {
    const { port } = await programOf(scenario)
    for (const request of scenario.earlier) await sendRaw(port, request)
    expect(judgeAnswer(scenario, await sendRaw(port, scenario.request))).toEqual([])
  })
})
