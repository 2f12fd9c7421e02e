import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type EncodingName,
  encodingNames,
  officialFiles,
  renderOfficialFile,
} from '../src/tokens/encoding-files.ts'

/** Source of the encoding files. */
export interface TokenFileSource {
  /**
   * Whether to download the files. Otherwise, and if a download fails, they are generated from the data in
   * js-tiktoken.
   */
  readonly download: boolean
  /** Replaces `https://openaipublic.blob.core.windows.net/encodings`, for a mirror. */
  readonly from?: string | undefined
  /** Timeout per file, in milliseconds. */
  readonly timeoutMs: number
}

const officialFolder = 'https://openaipublic.blob.core.windows.net/encodings'

/**
 * Writes the official encoding files to a folder, with the file names that tiktoken expects. Existing files with the
 * right checksum are kept.
 *
 * @param report called with a sentence for each step
 * @throws {Error} if the folder is not writable, or if the data in js-tiktoken differs from the official file
 */
export async function fillTokenFolder(
  folder: string,
  source: TokenFileSource,
  report: (sentence: string) => void,
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const name of encodingNames) {
    const path = join(folder, officialFiles[name].cacheName)
    const found = sumOfFile(path)
    if (found === officialFiles[name].sha256) {
      report(`${path} already contains ${name}.tiktoken.`)
      continue
    }
    if (found !== undefined) report(`Replacing ${path}: it is not ${name}.tiktoken (SHA-256 ${found}).`)
    const downloaded = source.download ? await download(name, source, report) : undefined
    const bytes = downloaded ?? Buffer.from(renderOfficialFile(name))
    const problem = problemOf(name, bytes)
    if (problem !== undefined) throw new Error(`Could not write ${path}: ${problem}. Run npm ci again.`)
    // Rename, so that other processes read a complete file or none.
    writeFileSync(`${path}.tmp`, bytes)
    renameSync(`${path}.tmp`, path)
    report(`Wrote ${path}: ${name}.tiktoken, ${downloaded ? 'downloaded' : 'generated from js-tiktoken'}.`)
  }
}

async function download(
  name: EncodingName,
  { from = officialFolder, timeoutMs }: TokenFileSource,
  report: (sentence: string) => void,
): Promise<Buffer | undefined> {
  const url = officialFiles[name].url.replace(officialFolder, from.replace(/\/$/, ''))
  const fallBack = (reason: string): undefined => {
    report(`Could not download ${url}: ${reason}. Generating the file from js-tiktoken instead.`)
  }
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    if (!response.ok) return fallBack(`the server returned ${response.status}`)
    const bytes = Buffer.from(await response.arrayBuffer())
    const problem = problemOf(name, bytes)
    return problem === undefined ? bytes : fallBack(problem)
  } catch (error) {
    const { message, cause } = error as Error
    return fallBack(cause instanceof Error ? `${message} (${cause.message})` : message)
  }
}

function problemOf(name: EncodingName, bytes: Buffer): string | undefined {
  const { sha256 } = officialFiles[name]
  const found = sumOf(bytes)
  return found === sha256 ? undefined : `its SHA-256 must be ${sha256} (got ${found})`
}

function sumOfFile(path: string): string | undefined {
  try {
    return sumOf(readFileSync(path))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function sumOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
