import { describe, expect, it } from 'vitest'
import {
  apiVersionNotSupported,
  bodyTooLarge,
  deploymentNotFound,
  invalidKey,
  malformedJson,
  modelError,
  modelRequired,
  NEVER_FITS_RETRY_AFTER_SECONDS,
  operationNotSupported,
  rateLimited,
  resourceNotFound,
  serverError,
  type RateLimitHit,
} from './errors.ts'
import { errorBody } from '../../tests/support/error-body.ts'
import { wireFormatOf } from './envelopes.ts'

const hit: RateLimitHit = {
  deployment: 'text-embedding',
  model: 'text-embedding-3-large',
  region: 'Sweden Central',
  operationId: 'Embeddings_Create',
  apiVersion: '2024-10-21',
  kind: 'call',
  retryAfterSeconds: 1,
}

const messageOf = (body: string): string => (JSON.parse(body) as { error: { message: string } }).error.message

describe('service errors', () => {
  it('for a wrong key have the captured 224 bytes and reason', () => {
    const error = invalidKey()
    expect(Buffer.byteLength(errorBody(error))).toBe(224)
    expect(error).toMatchObject({ status: 401, reason: 'PermissionDenied', layer: 'authentication' })
  })

  it('for an unknown path have the captured 56 bytes and reason', () => {
    const error = resourceNotFound()
    expect(Buffer.byteLength(errorBody(error))).toBe(56)
    expect(error).toMatchObject({ status: 404, reason: 'Resource Not Found', layer: 'edge' })
  })

  it('for an unknown deployment have no content type and no final line feed', () => {
    const error = deploymentNotFound()
    expect(wireFormatOf(undefined).writeError(error, '').contentType).toBeUndefined()
    expect(errorBody(error)).toBe(JSON.stringify(JSON.parse(errorBody(error)), null, 2))
    expect(errorBody(error)).toContain('"type": "invalid_request_error",\n    "code": "DeploymentNotFound"')
  })

  it('of the model layer have an indentation of two spaces and a final line feed', () => {
    // The captured content-length is 170.
    const error = modelError("'json_object' is not of type 'object' - 'response_format'", null, null)
    const body = errorBody(error)
    expect(Buffer.byteLength(body)).toBe(170)
    expect(body).toBe(
      '{\n  "error": {\n    "message": "\'json_object\' is not of type \'object\' - \'response_format\'",\n    "type": "invalid_request_error",\n    "param": null,\n    "code": null\n  }\n}\n',
    )
  })

  it('with status 429 have the captured text, "1 second" in the singular and a space before the message', () => {
    const error = rateLimited(hit)
    expect(error).toMatchObject({ status: 429, layer: 'limit' })
    expect(errorBody(error)).toBe(
      '{"error":{"code":"RateLimitReached","message": "Your requests to text-embedding for text-embedding-3-large in Sweden Central have exceeded the call rate limit for your current AIServices S0 pricing tier. This request was for Embeddings_Create under Azure OpenAI API version 2024-10-21. Please retry after 1 second. To increase your default rate limit, visit: https://aka.ms/oai/quotaincrease."}}',
    )
  })

  it('with status 429 name the v1 API without api-version, and a day if the request never fits', () => {
    const body = errorBody(
      rateLimited({
        ...hit,
        apiVersion: undefined,
        kind: 'token',
        retryAfterSeconds: NEVER_FITS_RETRY_AFTER_SECONDS,
      }),
    )
    expect(messageOf(body)).toContain('exceeded the token rate limit')
    expect(messageOf(body)).toContain(
      'under OpenAI Language Model Instance API. Please retry after 86400 seconds.',
    )
  })

  it('are valid JSON for any deployment name', () => {
    const deployment = 'a"b\\c\n\u2028\ud800'
    expect(messageOf(errorBody(rateLimited({ ...hit, deployment })))).toContain(
      `Your requests to ${deployment} for`,
    )
    expect(messageOf(errorBody(operationNotSupported('completion', deployment)))).toContain(deployment)
  })

  it('name the operation that a model does not support', () => {
    expect(errorBody(operationNotSupported('chatCompletion', 'gpt-5.1-codex'))).toBe(
      '{"error":{"code":"OperationNotSupported","message":"The chatCompletion operation does not work with the specified model, gpt-5.1-codex. Please choose different model and try again. You can learn more about which models can be used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993."}}',
    )
  })

  it.each([
    [apiVersionNotSupported(), 400, 'API version not supported'],
    [modelRequired(), 400, 'you must provide a model parameter'],
    [
      bodyTooLarge(26_214_400, 26_405_000),
      413,
      'Maximum content size limit (26214400) exceeded (26405000 bytes read)',
    ],
    [malformedJson(), 400, 'We could not parse the JSON body of your request.'],
    [serverError('d2008353'), 500, '(Please include the request ID d2008353 in your email.)'],
  ])('have the status and text of %o', (error, status, text) => {
    expect(error.status).toBe(status)
    expect(messageOf(errorBody(error))).toContain(text)
  })
})
