import { createTestSimulator, type TestSettings, type TestSimulator } from './test-simulator.ts'
import { twinAdminToken, type TwinApi, twinApiOf } from './twin-api.ts'

/** Starts a simulator in this process with /_twin, and an administrator unless the settings take it away. */
export function createTwin(settings: TestSettings = {}): TestSimulator & TwinApi {
  const env = { TWIN_PLANE: 'on', TWIN_ADMIN_TOKEN: twinAdminToken, ...settings.env }
  const simulator = createTestSimulator({ ...settings, env })
  return { ...simulator, ...twinApiOf(async (path, init) => simulator.app.request(path, init)) }
}
