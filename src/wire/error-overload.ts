import { gatewayError, type ServiceError } from './errors.ts'

/** The wait that the service names while it lacks capacity, in seconds. */
export const highDemandRetryAfterSeconds = 20

/**
 * 429: the deployment's machines are busy, whatever its limits allow. The message is captured from the service in
 * 2025, the envelope around it is not.
 */
export function highDemand(): ServiceError {
  const message = `The system is currently experiencing high demand and cannot process your request. Your request exceeds the maximum usage size allowed during peak load. Please retry after ${highDemandRetryAfterSeconds} seconds. For improved latency reliability, consider switching to Provisioned Throughput.`
  const code = 'too_many_requests'
  return { ...gatewayError('limit', 429, code, message, 'compact'), type: code }
}

/** 503: a request that was accepted could not be worked on (Microsoft Learn, "Troubleshoot errors"). */
export function temporarilyUnable(): ServiceError {
  const message = 'The service is temporarily unable to process your request. Please try again later.'
  return gatewayError('limit', 503, 'InternalServerError', message)
}
