import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { connectionFailure, failureStatuses, UpstreamLabel } from './upstream-failure.ts'

const label = new UpstreamLabel('default', 'https://host')

describe('the codes of upstream failures', () => {
  it('are those of the table in docs/recording.md, with their statuses', () => {
    const page = readFileSync(new URL('../../docs/recording.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| `(Upstream\w+)` +\| (\d{3}) /gm)].map(([, code, status]) => [
      code,
      Number(status),
    ])
    expect(Object.fromEntries(rows)).toEqual(failureStatuses)
    expect(rows).toHaveLength(Object.keys(failureStatuses).length)
  })

  it.each([
    ['ENOTFOUND', 'UpstreamDns', true],
    ['EAI_AGAIN', 'UpstreamDns', true],
    ['ECONNREFUSED', 'UpstreamRefused', true],
    ['EHOSTUNREACH', 'UpstreamUnreachable', true],
    ['ENETUNREACH', 'UpstreamUnreachable', true],
    ['ETIMEDOUT', 'UpstreamUnreachable', true],
    ['CERT_HAS_EXPIRED', 'UpstreamTls', false],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'UpstreamTls', false],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'UpstreamTls', false],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UpstreamTls', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'UpstreamTls', false],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'UpstreamTls', false],
    ['EPROTO', 'UpstreamTls', false],
    ['ECONNRESET', 'UpstreamBroken', true],
  ])('before the request is sent: %s is %s', (code, expected, canRetry) => {
    const failure = connectionFailure(label, Object.assign(new Error('x'), { code }), false)
    expect(failure).toMatchObject({ code: expected, canRetry })
    expect(failure.message).toMatch(/^Could not connect to upstream 'default' \(https:\/\/host\): .+\. .+\.$/)
  })

  it.each([
    ['ECONNRESET', 'UpstreamBroken'],
    ['EPIPE', 'UpstreamBroken'],
    ['ETIMEDOUT', 'UpstreamBroken'],
    ['HPE_INVALID_CONSTANT', 'UpstreamInvalid'],
  ])('after the request was sent: %s is %s and is not retried', (code, expected) => {
    const failure = connectionFailure(label, Object.assign(new Error('x'), { code }), true)
    expect(failure).toMatchObject({ code: expected, canRetry: false })
  })

  it('name the variable of the default upstream, and the key of any other', () => {
    const other = new UpstreamLabel('east', 'https://host')
    expect([label.setting('endpoint'), other.setting('endpoint')]).toEqual([
      'AZURE_OPENAI_ENDPOINT',
      'upstreams.east.endpoint',
    ])
    expect([label.setting('connect_timeout_ms'), other.setting('connect_timeout_ms')]).toEqual([
      'UPSTREAM_CONNECT_TIMEOUT_MS',
      'upstreams.east.connect_timeout_ms',
    ])
  })
})
