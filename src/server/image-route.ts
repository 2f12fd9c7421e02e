import type { Context } from 'hono'
import { readImageUrl } from '../generate/images/image-url.ts'
import { paint } from '../generate/images/paint.ts'
import { resourceNotFound } from '../wire/errors.ts'
import { errorResponse } from './answer-failure.ts'
import type { AppEnv } from './app-env.ts'
import type { Simulator } from './simulator.ts'

/**
 * Answers the URLs of generated images, without a key, for their signature is one: with the PNG file, or with 404 for a
 * URL that was changed or is older than a day.
 */
export function createImageRoute(simulator: Simulator): (context: Context<AppEnv>) => Promise<Response> {
  return async (context) => {
    const { req } = context
    // Signed with the key of its resource, whichever that is.
    const spec = firstOf(simulator.config.resources.values(), ({ apiKey }) =>
      readImageUrl(req.path, req.query(), apiKey, simulator.clock.epochMs()),
    )
    if (spec) return context.body(new Uint8Array(await paint(spec)), 200, { 'Content-Type': 'image/png' })
    return errorResponse(resourceNotFound())
  }
}

function firstOf<T, R>(all: Iterable<T>, find: (one: T) => R | undefined): R | undefined {
  for (const one of all) {
    const found = find(one)
    if (found !== undefined) return found
  }
  return undefined
}
