import type {
  RecordedJson,
  RecordingFolderJson,
  RecordingMissJson,
} from '../../src/server/admin/recording-schemas.ts'
import { formatAmount, formatCount, formatPercent } from '../lib/format.ts'

/** The path of a file below its folder; the whole path of any other file. */
export function fileInFolder(file: string, folder: string | undefined): string {
  return folder !== undefined && file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file
}

/** A location for an editor: `/recordings/chat.yaml:12`. */
export function locationText(file: string, line: number | null): string {
  return line === null ? file : `${file}:${line}`
}

/** The last two parts of a path, which name a folder well enough. */
export function shortFolder(folder: string): string {
  const parts = folder.split(/[\\/]/).filter(Boolean)
  return parts.length <= 2 ? folder : `…/${parts.slice(-2).join('/')}`
}

/** Share of the requests that were answered from a folder; undefined without any. */
export function hitRate({ hits, misses }: Pick<RecordingFolderJson, 'hits' | 'misses'>): number | undefined {
  return hits + misses === 0 ? undefined : hits / (hits + misses)
}

/** One sentence about the use of a folder. */
export function folderSentence(folder: RecordingFolderJson): string {
  const { replays, hits, misses, interactions, unused, recorded } = folder
  if (!replays) return `${formatAmount(recorded, 'answer')} recorded since the start.`
  const rate = hitRate(folder)
  if (rate === undefined) return 'No request yet.'
  if (misses > 0) {
    const requests = formatAmount(hits + misses, 'request')
    return `${formatCount(hits)} of ${requests} had a recording (${formatPercent(rate)}).`
  }
  if (unused !== null && interactions !== null && unused > 0)
    return `All ${formatAmount(hits, 'request')} had a recording. ${formatCount(unused)} of ${formatAmount(interactions, 'recording')} are unused.`
  return `All ${formatAmount(hits, 'request')} had a recording.`
}

/** What answered a request without a recording. */
export const answeredTexts: Readonly<Record<RecordingMissJson['answered'], string>> = {
  error: '404',
  generate: 'generated',
  record: 'recorded',
  forward: 'forwarded',
}

/** A sentence about a request that was recorded. */
export function recordedSentence({ status, upstream, file, line }: RecordedJson): string {
  const service = upstream === null ? 'The upstream' : `The upstream “${upstream}”`
  return `${service} answered ${status}. The answer is in ${locationText(file, line)}.`
}

/** A value that is split where it differs from another one. */
export interface SplitValue {
  readonly before: string
  readonly different: string
  readonly after: string
}

/** Splits two values into what is equal at their ends and what differs between. */
export function splitDifference(one: string, other: string): readonly [SplitValue, SplitValue] {
  const [left, right] = [Array.from(one), Array.from(other)]
  const shorter = Math.min(left.length, right.length)
  let start = 0
  while (start < shorter && left[start] === right[start]) start++
  let end = 0
  while (end < shorter - start && left.at(-1 - end) === right.at(-1 - end)) end++
  const split = (value: readonly string[]): SplitValue => ({
    before: value.slice(0, start).join(''),
    different: value.slice(start, value.length - end).join(''),
    after: value.slice(value.length - end).join(''),
  })
  return [split(left), split(right)]
}
