import { readFileSync } from 'node:fs'

/** The package's version; package.json lies two folders up in the source and in the build alike. */
export const version = readVersion()

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
