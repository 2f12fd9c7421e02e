import type { MethodOf, MethodRule, Port } from '../../lib/port.ts'
import type { Peer } from './peer.ts'

/** A port as seen by a process that does not own the state: without the owner's methods. */
export type PortClient<P> = Pick<P, MethodOf<P>>

type Call = (...args: readonly unknown[]) => unknown

/**
 * Creates the client of a port. The other process runs the calls and serves the port with a `PortServer`. A request rejects if it
 * fails there or if the connection is closed. Leases are numbers.
 */
export function portClient<P, Lease>(port: Port<P, Lease>, peer: Peer): PortClient<P> {
  let lastLease = 0
  const client: Record<string, Call> = {}
  const rules = port.methods as Readonly<Record<string, MethodRule<Call>>>
  for (const [name, rule] of Object.entries(rules)) {
    const path = `${port.name}.${name}`
    const encode = (rule.args?.encode ?? same) as (args: readonly unknown[]) => unknown
    const decode = (rule.answer?.decode ?? same) as (json: unknown) => unknown
    const request = (sent: unknown): unknown =>
      peer.request(path, sent).then((answer) => decode(answer ?? undefined))
    const send = rule.kind === 'request' ? request : (sent: unknown): void => peer.notify(path, sent)
    client[name] =
      rule.lease !== 'opens'
        ? (...args) => send(encode(args))
        : (...args) => {
            const lease = ++lastLease
            const answer = send([lease, encode(args)])
            return rule.kind === 'request' ? answer : lease
          }
  }
  return client as PortClient<P>
}

const same = (value: unknown): unknown => value
