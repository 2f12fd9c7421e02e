import { describe, expect, it } from 'vitest'
import {
  bodyTooLarge,
  deploymentNotFound,
  highDemand,
  invalidKey,
  malformedJson,
  modelError,
  rateLimited,
  serverError,
  temporarilyUnable,
  timedOut,
  type ServiceError,
} from '../errors.ts'
import { wireFormatOf } from '../envelopes.ts'

const messagesFormat = wireFormatOf('messages')

const limit = rateLimited({
  deployment: 'claude',
  model: 'claude-sonnet-4-5',
  region: 'Sweden Central',
  operationId: 'Messages_Create',
  apiVersion: undefined,
  kind: 'token',
  retryAfterSeconds: 3,
})

const withStatus = (status: number): ServiceError => ({ ...modelError('m', null, null), status, type: null })

const typeIn = (body: string): unknown => (JSON.parse(body) as { error: { type: string } }).error.type

describe('an error of Anthropic Messages', () => {
  it('has the envelope of Anthropic with the id of the request', () => {
    const { body, contentType } = messagesFormat.writeError(invalidKey(), 'req_1')
    expect(contentType).toBe('application/json')
    expect(body).toBe(
      `{"type":"error","error":{"type":"authentication_error","message":${JSON.stringify(invalidKey().message)}},"request_id":"req_1"}`,
    )
  })

  it.each<[string, ServiceError, string]>([
    ['a wrong key', invalidKey(), 'authentication_error'],
    ['an unknown deployment', deploymentNotFound(), 'not_found_error'],
    ['malformed JSON', malformedJson(), 'invalid_request_error'],
    ['an invalid parameter', modelError('m', 'temperature', 'invalid_value'), 'invalid_request_error'],
    ['a large body', bodyTooLarge(1, 2), 'request_too_large'],
    ['a rate limit', limit, 'rate_limit_error'],
    ['a failure', serverError('id'), 'api_error'],
    ['a timeout', timedOut(504), 'timeout_error'],
    ['an unavailable service', temporarilyUnable(), 'overloaded_error'],
    ['high demand', highDemand(), 'rate_limit_error'],
    ['status 403', withStatus(403), 'permission_error'],
    ['status 418', withStatus(418), 'invalid_request_error'],
    ['status 529', withStatus(529), 'overloaded_error'],
    ['status 502', withStatus(502), 'api_error'],
  ])('has the type of %s', (_, error, type) => {
    expect(typeIn(messagesFormat.writeError(error, '').body)).toBe(type)
  })

  it('keeps a type of Anthropic', () => {
    const error = { ...withStatus(500), type: 'overloaded_error' }
    expect(typeIn(messagesFormat.writeError(error, '').body)).toBe('overloaded_error')
  })

  it('has the code and details of errors that only the simulator has', () => {
    const error: ServiceError = {
      ...withStatus(502),
      code: 'Timeout',
      envelope: 'simulator',
      details: { a: 1 },
    }
    expect(JSON.parse(messagesFormat.writeError(error, 'r').body)).toEqual({
      type: 'error',
      error: { type: 'api_error', message: 'm', details: { error_code: 'Timeout', a: 1 } },
      request_id: 'r',
    })
  })

  it.each([
    [{ code: null, type: 'overloaded_error' }, 'overloaded_error'],
    [{ code: 'rate_limit_exceeded', type: 'requests' }, 'rate_limit_error'],
    [{ code: null, type: 'too_many_requests' }, 'rate_limit_error'],
    [{ code: 'constructor', type: 'toString' }, 'api_error'],
    [{ code: null, type: 'server_error' }, 'api_error'],
  ])('is one event in a stream: %j', (fields, type) => {
    const events = messagesFormat.writeErrorEvents({ message: 'a\nb', param: null, ...fields }, 7, '')
    expect(events).toEqual([
      `event: error\ndata: {"type":"error","error":{"type":"${type}","message":"a\\nb"}}\n\n`,
    ])
  })
})
