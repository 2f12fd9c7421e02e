import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { onTestFinished } from 'vitest'

/**
 * An address that refuses every connection until the test has ended. A port that was closed is of no use for that, because the
 * system may give it to another test; this one is held by the client's end of a connection, which takes no connections.
 */
export async function refusingUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const holder = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(holder, 'connect')
  onTestFinished(() => {
    holder.destroy()
    server.close()
  })
  return `http://127.0.0.1:${holder.localPort}`
}
