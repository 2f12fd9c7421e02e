import { expect, it } from 'vitest'
import { lastRequests } from './last-requests.ts'

const request = (id: number, deployment: string | null = 'chat', resource = 'default') => ({
  id,
  resource,
  deployment,
})
const idsOf = (requests: readonly { readonly id: number }[]) => requests.map(({ id }) => id)

it('the last requests are the newest ones of all lists, once each', () => {
  const open = { ...request(3), isOpen: false }
  const merged = lastRequests(
    [
      [open, request(5)],
      [request(3), request(1), request(4)],
    ],
    {},
    3,
  )
  expect(idsOf(merged)).toEqual([5, 4, 3])
  expect(merged[2]).toBe(open)
})

it('the last requests are those of the resource or deployment', () => {
  const all = [request(1), request(2, 'other'), request(3, 'chat', 'acme'), request(4, null)]
  expect(idsOf(lastRequests([all], { resource: 'default' }, 9))).toEqual([4, 2, 1])
  expect(idsOf(lastRequests([all], { resource: 'default', deployment: 'chat' }, 9))).toEqual([1])
  expect(idsOf(lastRequests([all], { resource: 'default', deployment: '' }, 9))).toEqual([4])
})
