import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type EncodingName,
  encodingNames,
  officialFiles,
  renderOfficialFile,
} from '../src/tokens/encoding-files.ts'

/** Where the files come from. */
export interface TokenFileSource {
  /** Whether the network is asked first; else, and where it fails, they are made of what js-tiktoken carries. */
  readonly download: boolean
  /** What replaces `https://openaipublic.blob.core.windows.net/encodings`; a mirror. */
  readonly from?: string | undefined
  /** How long each file may take, in milliseconds. */
  readonly timeoutMs: number
}

const officialFolder = 'https://openaipublic.blob.core.windows.net/encodings'

/**
 * Fills a folder with the official files of the encodings under the names by which tiktoken looks for them. What is there
 * already and has the right sum stays.
 *
 * @param tell is given a sentence for each step
 * @throws {Error} where the folder cannot be written, or js-tiktoken carries something else than the official file
 */
export async function fillTokenFolder(
  folder: string,
  source: TokenFileSource,
  tell: (sentence: string) => void,
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const name of encodingNames) {
    const path = join(folder, officialFiles[name].cacheName)
    const found = sumOfFile(path)
    if (found === officialFiles[name].sha256) {
      tell(`${path} is ${name}.tiktoken already.`)
      continue
    }
    if (found !== undefined) tell(`${path} is not ${name}.tiktoken (SHA-256 ${found}), and is replaced.`)
    const downloaded = source.download ? await download(name, source, tell) : undefined
    const bytes = downloaded ?? Buffer.from(renderOfficialFile(name))
    const problem = problemOf(name, bytes)
    if (problem !== undefined) throw new Error(`Could not write ${path}: ${problem}. Run npm ci again.`)
    // Who starts meanwhile reads all of it or nothing.
    writeFileSync(`${path}.tmp`, bytes)
    renameSync(`${path}.tmp`, path)
    tell(`${path} is ${name}.tiktoken now, ${downloaded ? 'downloaded' : 'made of js-tiktoken'}.`)
  }
}

async function download(
  name: EncodingName,
  { from = officialFolder, timeoutMs }: TokenFileSource,
  tell: (sentence: string) => void,
): Promise<Buffer | undefined> {
  const url = officialFiles[name].url.replace(officialFolder, from.replace(/\/$/, ''))
  const fallBack = (reason: string): undefined => {
    tell(`Could not download ${url}: ${reason}. The file is made of js-tiktoken instead.`)
  }
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    if (!response.ok) return fallBack(`the server answers ${response.status}`)
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
