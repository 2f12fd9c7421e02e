import { RawConnection, type RawRequest, type RawResponse } from './raw-http.ts'

/** An extension that adds a header with the process that has answered. */
export const pidExtension = `export default {
  name: 'pid',
  hooks: [
    async (exchange, next) => {
      const reply = await next()
      reply.headers.set('x-pid', String(process.pid))
      return reply
    },
  ],
}
`

/** The process that has answered; empty for pages of the simulator itself. */
export function pidOf({ headers }: RawResponse): string {
  return headers.find(([name]) => name === 'x-pid')?.[1] ?? ''
}

/** The processes that have answered. */
export function pidsOf(answers: readonly RawResponse[]): string[] {
  return [...new Set(answers.map(pidOf))]
}

/**
 * Opens connections to two workers, so many to each, those of one before those of the other: which of them takes a connection
 * is chance.
 *
 * @param probe a request that any worker answers
 */
export async function connectToBoth(port: number, probe: RawRequest, each: number): Promise<RawConnection[]> {
  const byPid = new Map<string, RawConnection[]>()
  for (;;) {
    const connection = await RawConnection.open(port)
    const pid = pidOf(await connection.send(probe))
    byPid.set(pid, [...(byPid.get(pid) ?? []), connection])
    const both = [...byPid.values()].map((connections) => connections.slice(0, each))
    if (both.length === 2 && both.every(({ length }) => length === each)) return both.flat()
  }
}
