import { createRequire } from 'node:module'

const manifest = createRequire(import.meta.url)('aoai-simulated-api/package.json') as { version: string }

/** The version of the package. The package resolves its package.json by name, both from the source and from the build. */
export const { version } = manifest
