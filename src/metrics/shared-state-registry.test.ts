import { expect, it } from 'vitest'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { createMetrics } from './metrics.ts'

it('createMetrics shows the status, response time and fallbacks of shared state', async () => {
  const state = { up: true, fallbacks: 0, roundTripMs: 0.5 }
  const metrics = createMetrics({ clock: createVirtualClock(), sharedState: state })
  expect(await metrics.render()).toContain('\naoai_shared_state_up 1\n')
  Object.assign(state, { up: false, fallbacks: 3 })
  const rendered = await metrics.render()
  expect(rendered).toContain('\naoai_shared_state_up 0\n')
  expect(rendered).toContain('\naoai_shared_state_fallbacks_total 3\n')
  expect(rendered).toContain('\naoai_shared_state_round_trip_seconds 0.0005\n')
})

it('createMetrics omits the metrics of shared state without it', async () => {
  const metrics = createMetrics({ clock: createVirtualClock() })
  expect(await metrics.render()).not.toContain('aoai_shared_state')
})
