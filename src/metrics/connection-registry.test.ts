import { expect, it } from 'vitest'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { createMetrics } from './metrics.ts'

it('aoai_connections_ended_total counts connections by reason, starting at 0', async () => {
  const metrics = createMetrics({ clock: createVirtualClock() })
  expect(await metrics.render()).toContain('\naoai_connections_ended_total{reason="turnedAway"} 0\n')
  metrics.connectionEnded('turnedAway')
  metrics.connectionEnded('turnedAway')
  metrics.connectionEnded('late')
  const rendered = await metrics.render()
  expect(rendered).toContain('\naoai_connections_ended_total{reason="turnedAway"} 2\n')
  expect(rendered).toContain('\naoai_connections_ended_total{reason="late"} 1\n')
  expect(rendered).toContain('\naoai_connections_ended_total{reason="malformed"} 0\n')
})
