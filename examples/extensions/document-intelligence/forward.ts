import { type Forwarder, jsonReply, replyFromResponse } from 'aoai-simulated-api/extension'
import { ownPath, resultPath } from './paths.ts'

const endpoint = process.env['AZURE_FORM_RECOGNIZER_ENDPOINT']?.replace(/\/+$/, '')
const key = process.env['AZURE_FORM_RECOGNIZER_KEY']

const timeoutMs = 60_000

/** Forwards requests to the real service. Without endpoint and key, they go to the configured upstream. */
export const forward: Forwarder = async ({ method, path, query, headers, body, signal }) => {
  if (!endpoint || !key || !ownPath.test(path)) return undefined
  const hasBody = method !== 'GET' && method !== 'HEAD'
  let response: Response
  try {
    response = await fetch(`${endpoint}${path}?${query}`, {
      method,
      headers: {
        'ocp-apim-subscription-key': key,
        accept: headers.accept ?? '*/*',
        ...(hasBody && { 'content-type': headers['content-type'] ?? 'application/json' }),
      },
      ...(hasBody && { body: new Uint8Array(body) }),
      // A redirect would send the key to another address.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
  } catch (error) {
    const { cause, message } = error as Error
    const reason = cause instanceof Error ? cause.message : message
    const advice = `Could not reach ${endpoint}: ${reason}. Check AZURE_FORM_RECOGNIZER_ENDPOINT.`
    return jsonReply({ error: { code: 'upstream_unreachable', message: advice } }, { status: 502 })
  }
  // Pending results are not recorded, so that the first poll of a replay returns the result.
  const store = !(resultPath.test(path) && (await isRunning(response.clone())))
  return { reply: await replyFromResponse(response), store }
}

async function isRunning(response: Response): Promise<boolean> {
  const result: unknown = await response.json().catch(() => undefined)
  const status = (result as { status?: unknown } | null | undefined)?.status
  return status === 'notStarted' || status === 'running'
}
