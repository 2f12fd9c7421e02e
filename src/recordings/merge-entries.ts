import type { RecordingEntry } from './recording-entry.ts'

/**
 * The entries of a list once a file is read anew: in the order of the files' paths, and behind them what was recorded since the
 * start and is in no file yet. What was used stays used where its request still stands in the file.
 *
 * @param fresh what the file holds now, in its order
 */
export function mergeEntries(
  entries: readonly RecordingEntry[],
  file: string,
  fresh: readonly RecordingEntry[],
): RecordingEntry[] {
  const front: RecordingEntry[] = []
  const behind: RecordingEntry[] = []
  const own: RecordingEntry[] = []
  const recorded: RecordingEntry[] = []
  for (const entry of entries) {
    if (entry.file === file) own.push(entry)
    else if (entry.file === undefined) recorded.push(entry)
    else if (entry.file < file) front.push(entry)
    else behind.push(entry)
  }
  for (const entry of fresh) {
    // What was recorded since the start comes back from its file, and must not be there twice.
    entry.used = (take(own, entry.key) ?? take(recorded, entry.key))?.used ?? false
  }
  return [...front, ...fresh, ...behind, ...recorded]
}

function take(entries: RecordingEntry[], key: string): RecordingEntry | undefined {
  const at = entries.findIndex((entry) => entry.key === key)
  return at < 0 ? undefined : entries.splice(at, 1)[0]
}
