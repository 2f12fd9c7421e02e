import { describe, expect, it } from 'vitest'
import { leavesEndpoint, parseUpstreamTarget } from './upstream-target.ts'

const root = parseUpstreamTarget('https://host')
const team = parseUpstreamTarget('https://apim/team-a')

describe('leavesEndpoint', () => {
  it.each([
    '/..',
    '/../team-b/openai',
    '/openai/../../etc/passwd',
    '/openai/%2e%2e/%2E%2e/x',
    '/openai/.%2e/%2e./x',
    '/openai/%252e%252e/%252e%252e/x',
    '/openai/..%2f../x',
    '/openai/%2e%2e%2F%2e%2e%2fx',
    '/openai/..\\..\\x',
    '/openai/..%5c..%5Cx',
    '/openai//../../x',
    '/openai/./../../x',
    '/openai/%2e/../../x',
    '/openai/..;/..;a=b/x',
    '/openai/..%00/..%20/x',
    '/openai/%c0%ae%c0%ae/%c0%ae%c0%ae/x',
    '/openai/..%c0%af../x',
    '/a%2fb/../../x',
    '/a%5cb%2f..%2f../x',
    '/a%2fb%2f..%2f../x',
    '/openai/%25252e%25252e/%2e%2e/x',
    '/openai/%2%65%2%65/%u002e%u002e/x',
    `/%${'25'.repeat(10_000)}2e`,
  ])('is true for %s', (path) => {
    expect([leavesEndpoint(root, path), leavesEndpoint(team, path)]).toEqual([true, true])
  })

  it.each(['/team-a/..', '/team-a/../team-b/x', '/team-a/%2e%2e/team-b', '/team-a/x/../../team-b'])(
    'is true for %s if the path of the endpoint is /team-a',
    (path) => expect(leavesEndpoint(team, path)).toBe(true),
  )

  it.each([
    '/openai/deployments/gpt-4o/chat/completions',
    '/openai/deployments/a%2Fb/chat',
    '/a%2F..%2Fb:c',
    '/openai/files/a..b/..c/d../...',
    '/openai/../openai/x',
    '/openai/deployments/x/%2e%2e/y',
    '/v1/models/ft:gpt-4o:acme::x%3A..y',
    '/%',
    '/%zz/%e4%ba%ba',
  ])('is false for %s', (path) => {
    expect([leavesEndpoint(root, path), leavesEndpoint(team, path)]).toEqual([false, false])
  })
})
