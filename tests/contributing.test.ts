import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
}

test('CONTRIBUTING.md has every command that make lists, and no other', () => {
  const listed = [...read('Makefile').matchAll(/^([a-z0-9-]+):.*## /gm)].map(([, target]) => target)
  const told = [...read('CONTRIBUTING.md').matchAll(/^\| `make ([a-z0-9-]+)`/gm)].map(([, target]) => target)
  expect(new Set(told)).toEqual(new Set(listed.filter((target) => target !== 'help')))
  expect(told).toHaveLength(new Set(told).size)
})
