import type { MethodOf, MethodRule, Port } from '../../lib/port.ts'
import type { Peer } from './peer.ts'

/** A port as a process uses it that does not keep the state: without what belongs to the keeper alone. */
export type PortClient<P> = Pick<P, MethodOf<P>>

type Call = (...args: readonly unknown[]) => unknown

/**
 * Makes the client of a port: what is called here is carried out by the process at the other end, which serves the port with a
 * `PortServer`. An ask rejects when it fails there, and when the connection ends. Leases are numbers.
 */
export function portClient<P, Lease>(port: Port<P, Lease>, peer: Peer): PortClient<P> {
  let lastLease = 0
  const client: Record<string, Call> = {}
  const rules = port.methods as Readonly<Record<string, MethodRule<Call>>>
  for (const [name, rule] of Object.entries(rules)) {
    const path = `${port.name}.${name}`
    const encode = (rule.args?.encode ?? same) as (args: readonly unknown[]) => unknown
    const decode = (rule.answer?.decode ?? same) as (json: unknown) => unknown
    const ask = (sent: unknown): unknown =>
      peer.call(path, sent).then((answer) => decode(answer ?? undefined))
    const send = rule.kind === 'request' ? ask : (sent: unknown): void => peer.tell(path, sent)
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
