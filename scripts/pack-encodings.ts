// Packs the encodings of js-tiktoken into dist/encodings/, from where the program reads them without building their tables.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtInEncoding } from '../src/tokens/built-in-encodings.ts'
import { encodingNames } from '../src/tokens/encoding-files.ts'
import { packedPath, packEncoding } from '../src/tokens/packed-encodings.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

for (const name of encodingNames) {
  const path = packedPath(root, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, packEncoding(builtInEncoding(name)))
}
