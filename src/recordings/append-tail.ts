import type { FileHandle } from 'node:fs/promises'
import { recordingFileHeader } from './yaml-format.ts'

/** Whether a file can be appended to, by its end. */
export type Tail =
  /** The file has no content, not even the header. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'whole' }
  /** The last item is incomplete. It begins at `atByte`. */
  | { readonly kind: 'torn'; readonly atByte: number }
  /** Not a file of the recorder: it is from another program, or was rearranged by hand. */
  | { readonly kind: 'foreign' }

const header = Buffer.from(recordingFileHeader)
const itemStart = Buffer.from('\n- ')
const blockBytes = 64 * 1024

/** Reads the header and the last item of a file of any size. */
export async function inspectTail(file: FileHandle, size: number): Promise<Tail> {
  if (size === 0) return { kind: 'empty' }
  const start = await readAt(file, 0, Math.min(size, header.length))
  if (!start.equals(header.subarray(0, start.length))) return { kind: 'foreign' }
  if (size < header.length) return { kind: 'torn', atByte: 0 }

  // The line feed that ends the header stands in front of the first item.
  let from = size
  let rest = Buffer.alloc(0)
  let found = -1
  while (from > header.length - 1 && found < 0) {
    const upTo = from
    from = Math.max(header.length - 1, upTo - blockBytes)
    const block = await readAt(file, from, upTo - from)
    // Finds a start that spans two blocks.
    const searched = Buffer.concat([block, rest.subarray(0, itemStart.length - 1)])
    const at = searched.lastIndexOf(itemStart)
    rest = Buffer.concat([block, rest])
    if (at >= 0) found = at
  }
  if (found < 0) return judgeWithoutItem(rest)
  const item = rest.subarray(found + 1)
  return judgeItem(item, from + found + 1)
}

function judgeWithoutItem(rest: Buffer): Tail {
  return rest.toString().trim() === '' ? { kind: 'whole' } : { kind: 'torn', atByte: header.length }
}

function judgeItem(item: Buffer, atByte: number): Tail {
  // The next item has only its dash.
  if (item.subarray(-2).toString() === '\n-') {
    const before = judgeItem(item.subarray(0, -1), atByte)
    return before.kind === 'whole' ? { kind: 'torn', atByte: atByte + item.length - 1 } : before
  }
  const text = item.toString()
  // A key without indentation ends the list, so nothing can be appended.
  if (/\n[^\s#-]/.test(text)) return { kind: 'foreign' }
  const last = /\n {2}context_values:(.*)((?:\n.*)*)$/.exec(text)
  if (!text.endsWith('\n') || !last) return { kind: 'torn', atByte }
  const [, value = '', below = ''] = last
  // A person may have written the values on separate lines.
  return value.trim() === '' || below.trim() !== '' || isJson(value)
    ? { kind: 'whole' }
    : { kind: 'torn', atByte }
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
