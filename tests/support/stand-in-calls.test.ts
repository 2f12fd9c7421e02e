import { describe, expect, it } from 'vitest'
import { findCallProblem, findVariableProblem } from './stand-in-calls.ts'

describe('findCallProblem', () => {
  it.each([
    'docker build --build-arg network_type=restricted --tag aoai-simulated-api .',
    'docker run --rm --env SIMULATOR_API_KEY=k aoai-simulated-api --latency-time-scale 0',
    'docker run aoai-simulated-api recordings list /app/recordings',
    'docker compose -f infra/compose.yaml up --build',
    'helm install simulator chart --set image.repository=r --set secret.existingSecret=s',
    'aoai-sim --workers auto',
    'az login',
  ])('has nothing against %s', (call) => {
    expect(findCallProblem(call)).toBe('')
  })

  it.each([
    ['docker build --build-arg network=none .', 'network is no argument of the Dockerfile.'],
    ['docker run --env SIMULATOR_KEY=k aoai-simulated-api', 'SIMULATOR_KEY is no setting.'],
    ['docker run aoai-simulated-api --latency 0', '--latency is no flag of aoai-sim.'],
    ['docker run aoai-simulator', 'It does not run aoai-simulated-api.'],
    ['docker compose -f compose.yaml up', 'There is no compose.yaml.'],
    ['helm install simulator chart --set image.name=r', 'image.name is no value of the chart.'],
    ['aoai-sim --worker 2', '--worker is no flag of aoai-sim.'],
  ])('finds what our files do not know in %s', (call, problem) => {
    expect(findCallProblem(call)).toBe(problem)
  })
})

describe('findVariableProblem', () => {
  it('knows the settings before a start, over several lines, too', () => {
    expect(findVariableProblem('SIMULATOR_MODE=replay \\\n  WATCH=true make run\n')).toBe('')
    expect(findVariableProblem('A=1 other\n')).toBe('')
  })

  it('finds a variable that the simulator would not read', () => {
    expect(findVariableProblem('JOURNAL=1 make run\n')).toBe('JOURNAL is no setting.')
    expect(findVariableProblem('WATCH=true \\\n LATENCY=0 aoai-sim\n')).toBe('LATENCY is no setting.')
  })
})
