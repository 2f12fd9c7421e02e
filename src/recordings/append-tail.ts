import type { FileHandle } from 'node:fs/promises'
import { recordingFileHeader } from './yaml-format.ts'

/** What a file's end says about whether it can be appended to. */
export type Tail =
  /** There is nothing yet, not even the header. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'whole' }
  /** The last item was cut off in the middle of its writing; it begins at `atByte`. */
  | { readonly kind: 'torn'; readonly atByte: number }
  /** It was not written by appending: a file of another program, or one that was arranged anew by hand. */
  | { readonly kind: 'foreign' }

const header = Buffer.from(recordingFileHeader)
const itemStart = Buffer.from('\n- ')
const blockBytes = 64 * 1024

/** Looks at the beginning of a file and at its last item, however large the file is. */
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
    // What straddles two blocks is found with the front one.
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
  // Of the item behind this one there is the dash alone.
  if (item.subarray(-2).toString() === '\n-') {
    const before = judgeItem(item.subarray(0, -1), atByte)
    return before.kind === 'whole' ? { kind: 'torn', atByte: atByte + item.length - 1 } : before
  }
  const text = item.toString()
  // A key at the margin ends the list, so nothing can be appended to it.
  if (/\n[^\s#-]/.test(text)) return { kind: 'foreign' }
  const last = /\n {2}context_values:(.*)((?:\n.*)*)$/.exec(text)
  if (!text.endsWith('\n') || !last) return { kind: 'torn', atByte }
  const [, value = '', below = ''] = last
  // By hand it may have been put into lines of their own.
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

/** Reads exactly these bytes, or what there is of them. */
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
