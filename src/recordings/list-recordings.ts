import { yieldToEventLoop } from '../lib/real-timers.ts'
import type { RecordingEntry } from './interaction.ts'
import type { Recorder } from './record-mode.ts'
import type { Replay } from './replay-mode.ts'

/** Selects recordings. Absent fields match all. */
export interface ListFilter {
  /** A part of method, path, model, status, or the name of the file, case-insensitive. */
  readonly text?: string | undefined
  /** Whether a request was answered with it. */
  readonly used?: boolean | undefined
}

/** A recording in a list. */
export interface ListedRecording extends Pick<
  RecordingEntry,
  'method' | 'path' | 'status' | 'streamed' | 'model' | 'hits' | 'lastUsedMs'
> {
  /** Unique in its folder. */
  readonly id: string
  /** Undefined while it is in memory only. */
  readonly file: string | undefined
  /** Undefined if it is not known. */
  readonly line: number | undefined
}

/** The recordings of a folder. */
export interface RecordingList {
  /** The first ones that match. */
  readonly recordings: readonly ListedRecording[]
  /** Number of all that match. */
  readonly total: number
  /** Number of interactions in the folder; undefined if it is not read, because nothing replays it. */
  readonly interactions: number | undefined
  /** Number of interactions that no request was answered with; undefined if the folder is not read. */
  readonly unused: number | undefined
}

/** Number of recordings between two yields, about a millisecond of work. */
const STEPS_PER_YIELD = 2_000

/**
 * Lists the recordings of a folder, in the order of files and lines, followed by those that were recorded since the start. Yields
 * between slices of a long list. Without a replay, lists the last ones that were recorded.
 *
 * @param dir path of the folder, which is not searched for the text
 */
export async function listRecordings(
  { dir, replay, recorder }: { dir: string; replay: Replay | undefined; recorder: Recorder | undefined },
  { text, used }: ListFilter,
  limit: number,
): Promise<RecordingList> {
  const wanted = text?.toLowerCase()
  const recordings: ListedRecording[] = []
  let total = 0
  const matches = (recording: Searched): boolean =>
    (used === undefined || used === recording.hits > 0) &&
    (wanted === undefined || textOf(recording, dir).includes(wanted))
  if (!replay) {
    for (const { written, number, ...same } of recorder?.recent() ?? []) {
      const listed = {
        ...same,
        id: `recorded:${number}`,
        file: written.file,
        line: undefined,
        hits: 0,
        lastUsedMs: 0,
      }
      if (matches(listed) && ++total <= limit) recordings.push(listed)
    }
    return { recordings, total, interactions: undefined, unused: undefined }
  }
  let interactions = 0
  let unused = 0
  for (const entries of replay.index.listed()) {
    for (const entry of entries) {
      if (entry.hits === 0) unused++
      if (matches(entry) && ++total <= limit) recordings.push(listedEntry(entry))
      if (++interactions % STEPS_PER_YIELD === 0) await yieldToEventLoop()
    }
  }
  return { recordings, total, interactions, unused }
}

/** What a recording is searched by. */
type Searched = Pick<ListedRecording, 'method' | 'path' | 'status' | 'model' | 'hits' | 'file'>

function listedEntry(entry: RecordingEntry): ListedRecording {
  const { file, line, position, written, method, path, status, streamed, model, hits, lastUsedMs } = entry
  return {
    id: file === undefined ? `recorded:${position}` : `${file}:${position}`,
    file: file ?? written?.file,
    line: file === undefined ? undefined : line,
    method,
    path,
    status,
    streamed,
    model,
    hits,
    lastUsedMs,
  }
}

function textOf({ method, path, model = '', status, file = '' }: Searched, dir: string): string {
  const name = file.startsWith(dir) ? file.slice(dir.length) : file
  return `${method} ${path} ${model} ${status} ${name}`.toLowerCase()
}
