// Fills a folder for tiktoken, by default that of TIKTOKEN_CACHE_DIR, with the official files of the encodings.
//
//   make setup-tiktoken TIKTOKEN_CACHE_DIR=folder
//   make setup-tiktoken ARGS="--download --timeout 10"
//   make setup-tiktoken ARGS="--download --from https://mirror.example.com/encodings"
import { parseArgs } from 'node:util'
import { fillTokenFolder } from './fill-token-folder.ts'

const usage = 'Usage: setup-tiktoken [--download [--from URL] [--timeout SECONDS]] [folder]'

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      download: { type: 'boolean', default: false },
      from: { type: 'string' },
      timeout: { type: 'string', default: '30' },
    },
  })
  const seconds = Number(values.timeout)
  if (!(seconds > 0))
    throw new Error(
      `Could not read --timeout: must be a positive number of seconds (got ${values.timeout}). ${usage}`,
    )
  if (positionals.length > 1)
    throw new Error(
      `Could not read the arguments: only one folder is allowed (got ${positionals.length}). ${usage}`,
    )
  const folder = positionals[0] ?? (process.env['TIKTOKEN_CACHE_DIR'] || 'tiktoken_cache')
  const source = { download: values.download, from: values.from, timeoutMs: seconds * 1_000 }
  await fillTokenFolder(folder, source, (sentence) => console.log(sentence))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
