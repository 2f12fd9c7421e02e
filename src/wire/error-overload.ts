import type { ServiceError } from './errors.ts'

const json = 'application/json'

/** The wait that the service names while it lacks capacity, in seconds. */
export const highDemandRetryAfterSeconds = 20

/**
 * 429: the deployment's machines are busy, whatever its limits allow. The message is captured from the service in
 * 2025, the envelope around it is not.
 */
export function highDemand(): ServiceError {
  const message = `The system is currently experiencing high demand and cannot process your request. Your request exceeds the maximum usage size allowed during peak load. Please retry after ${highDemandRetryAfterSeconds} seconds. For improved latency reliability, consider switching to Provisioned Throughput.`
  const error = { message, type: 'too_many_requests', param: null, code: 'too_many_requests' }
  return { status: 429, body: JSON.stringify({ error }), contentType: json, headers: 'limit' }
}

/** 503: a request that was accepted could not be worked on (Microsoft Learn, "Troubleshoot errors"). */
export function temporarilyUnable(): ServiceError {
  return {
    status: 503,
    body: '{"error":{"code":"InternalServerError","message":"The service is temporarily unable to process your request. Please try again later."}}',
    contentType: json,
    headers: 'limit',
  }
}
