import { Hono } from 'hono'
import type { AppEnv } from './app-env.ts'
import { createDataPlane } from './data-plane.ts'
import type { Simulator } from './simulator.ts'

/** The simulator as a Hono app: its own few pages, and the data plane on every other path. */
export type App = Hono<AppEnv>

/** Lays out the routes. */
export function createApp(simulator: Simulator): App {
  const app: App = new Hono()

  app.get('/', (context) => context.text('aoai-simulated-api is running.\n'))
  app.get('/healthz', (context) => context.json({ status: 'ok', mode: simulator.config.mode.kind }))
  app.get('/metrics', async (context) =>
    context.text(await simulator.metrics.render(), 200, { 'Content-Type': simulator.metrics.contentType }),
  )
  app.all('*', createDataPlane(simulator, simulator.run))
  return app
}
