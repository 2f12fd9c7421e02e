import { describe, expect, it } from 'vitest'
import type { Exchange } from '../pipeline/exchange.ts'
import { findModel } from '../wire/models/model-catalogue.ts'
import { invalidKey } from '../wire/errors.ts'
import { errorReply, type WrittenError } from './error-reply.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const exchangeOf = (isAddressed = false): Exchange => {
  const exchange = testExchange({ path: '/any' })
  if (isAddressed) exchange.deployment = { name: 'chat', model: findModel('gpt-4o')! }
  return exchange
}

const teapot: WrittenError = {
  status: 418,
  reason: 'Teapot',
  body: '{"short":"stout"}',
  contentType: 'application/json',
  headers: 'model',
}

describe('errorReply', () => {
  it('has all headers, with the id of the exchange', () => {
    const exchange = exchangeOf()
    const reply = errorReply(exchange, invalidKey(), { 'x-more': 'a' })
    expect([reply.status, reply.reason]).toEqual([401, 'PermissionDenied'])
    expect(reply.body.render()).toContain('"code":"401"')
    expect(reply.headers.get('apim-request-id')).toBe(exchange.id)
    expect(reply.headers.raw.slice(-2)).toEqual(['x-more', 'a'])
  })

  it('has the body of an extension, with the headers of the given layer', () => {
    const reply = errorReply(exchangeOf(true), teapot)
    expect([reply.status, reply.reason, reply.body.render()]).toEqual([418, 'Teapot', teapot.body])
    expect(reply.headers.get('x-ms-deployment-name')).toBe('chat')
    expect(reply.headers.get('content-type')).toBe('application/json')
  })

  it('has the headers of the resource layer without a deployment', () => {
    const { headers } = errorReply(exchangeOf(), teapot)
    expect(headers.get('x-ms-deployment-name')).toBeUndefined()
    expect(headers.get('x-ms-region')).toBeDefined()
  })
})
