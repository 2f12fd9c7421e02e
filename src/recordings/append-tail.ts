import type { FileHandle } from 'node:fs/promises'
import { recordingFileHeader } from './yaml-format.ts'

/** Whether a file can be appended to, by its end. */
export type Tail =
  /** The file has no content, not even the header. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'complete' }
  /** The last item is incomplete. It begins at `atByte`. */
  | { readonly kind: 'incomplete'; readonly atByte: number }
  /** Not a file of the recorder: another program wrote it, or it was rearranged by hand. */
  | { readonly kind: 'foreign' }

const header = Buffer.from(recordingFileHeader)
const itemStart = Buffer.from('\n- ')
const BLOCK_BYTES = 64 * 1024

/** Reads the header and the last item of a file of any size. */
export async function inspectTail(file: FileHandle, size: number): Promise<Tail> {
  if (size === 0) return { kind: 'empty' }
  const start = await readAt(file, 0, Math.min(size, header.length))
  if (!start.equals(header.subarray(0, start.length))) return { kind: 'foreign' }
  if (size < header.length) return { kind: 'incomplete', atByte: 0 }

  // The line feed at the end of the header precedes the first item.
  let from = size
  let rest = Buffer.alloc(0)
  let found = -1
  while (from > header.length - 1 && found < 0) {
    const end = from
    from = Math.max(header.length - 1, end - BLOCK_BYTES)
    const block = await readAt(file, from, end - from)
    // Finds a start that spans two blocks.
    const searched = Buffer.concat([block, rest.subarray(0, itemStart.length - 1)])
    const at = searched.lastIndexOf(itemStart)
    rest = Buffer.concat([block, rest])
    if (at >= 0) found = at
  }
  if (found < 0) return classifyWithoutItem(rest)
  const item = rest.subarray(found + 1)
  return classifyItem(item, from + found + 1)
}

function classifyWithoutItem(rest: Buffer): Tail {
  return rest.toString().trim() === '' ? { kind: 'complete' } : { kind: 'incomplete', atByte: header.length }
}

function classifyItem(item: Buffer, atByte: number): Tail {
  // The next item has only its dash.
  if (item.subarray(-2).toString() === '\n-') {
    const before = classifyItem(item.subarray(0, -1), atByte)
    return before.kind === 'complete' ? { kind: 'incomplete', atByte: atByte + item.length - 1 } : before
  }
  const text = item.toString()
  // A key without indentation ends the list, so nothing can be appended.
  if (/\n[^\s#-]/.test(text)) return { kind: 'foreign' }
  const last = /\n {2}context_values:(.*)((?:\n.*)*)$/.exec(text)
  if (!text.endsWith('\n') || !last) return { kind: 'incomplete', atByte }
  const [, value = '', below = ''] = last
  // A person may have written the values on separate lines.
  return value.trim() === '' || below.trim() !== '' || isJson(value)
    ? { kind: 'complete' }
    : { kind: 'incomplete', atByte }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Reads these bytes, or fewer at the end of the file. */
export async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer.subarray(0, done)
}
