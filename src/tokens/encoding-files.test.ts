import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { encodingNames, officialFiles, renderOfficialFile } from './encoding-files.ts'

describe.each(encodingNames)('the official file of %s', (name) => {
  const { url, cacheName, sha256 } = officialFiles[name]

  it('is rendered byte for byte from js-tiktoken', () => {
    expect(createHash('sha256').update(renderOfficialFile(name)).digest('hex')).toBe(sha256)
  })

  it('has the file name of tiktoken: the SHA-1 of its URL', () => {
    expect(createHash('sha1').update(url).digest('hex')).toBe(cacheName)
    expect(url).toContain(`/${name}.tiktoken`)
  })
})
