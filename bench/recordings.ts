import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { bodyHash } from '../src/recordings/match-request.ts'
import { recordFileName } from '../src/recordings/record-file-name.ts'
import { recordingFileHeader, serializeInteraction } from '../src/recordings/yaml-format.ts'
import type { Answer } from './capture.ts'
import type { BenchCase } from './cases.ts'

const host = 'https://sample.openai.azure.com'
const contentType = 'application/json'

/** Writes a recording of each text of a case into one file in the format of record mode, all with the same answer. */
export function writeRecordings(folder: string, benchCase: BenchCase, answer: Answer): void {
  mkdirSync(folder, { recursive: true })
  const { path, prefix, suffix, texts } = benchCase
  const headers: (readonly [string, string])[] = []
  for (let at = 0; at < answer.headers.length; at += 2) {
    const name = answer.headers[at] ?? ''
    if (name.toLowerCase() !== 'content-length') headers.push([name, answer.headers[at + 1] ?? ''])
  }
  const response = {
    status: { code: answer.status, message: 'OK' },
    headers,
    body: { kind: 'bytes', bytes: Buffer.from(answer.body, 'base64') },
    durationMs: 300,
  } as const
  const name = recordFileName(path.replace(/\?.*/, ''))
  const file = openSync(join(folder, `${name}.yaml`), 'w')
  writeSync(file, recordingFileHeader)
  for (const text of texts) {
    const body = Buffer.from(prefix + text + suffix)
    const request = {
      method: 'POST',
      uri: `${host}${path}`,
      headers: [['content-type', contentType]],
      body,
      bodyHash: bodyHash(body, contentType),
    } as const
    writeSync(file, serializeInteraction({ request, response, contextValues: {} }))
  }
  closeSync(file)
}
