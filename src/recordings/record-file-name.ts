import { createHash } from 'node:crypto'

/** File systems end at 255 bytes; a part's number and what editors add to a name need some of them. */
const MAX_NAME_LENGTH = 200

/**
 * The name of the file for a URL path, without what tells files of one path apart: the slashes at its ends dropped, those
 * between turned into underscores, as the Python simulator does it. What is no plain character on every file system
 * becomes an underscore too, and so does one in front of what Windows takes for a device, and behind what would look like
 * the number of a writer. Which path an interaction has stands in itself, so two paths may share a file.
 */
export function recordFileName(path: string): string {
  const name = path
    .replace(/^\/+|\/+$/g, '')
    .replace(/[^\w.%~=@+-]/g, '_')
    // A name with a dot in front is hidden.
    .replace(/^\.+/, '_')
    .replace(/^(?=(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))/i, '_')
    .replace(/~\d+(?:\.\d+)?$/, '$&_')
  if (name === '') return 'root'
  if (name.length <= MAX_NAME_LENGTH) return name
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 12)
  return `${name.slice(0, MAX_NAME_LENGTH)}_${digest}`
}

/**
 * The file that a process appends to. The first writer of a folder has the plain names; a second one, at the same time,
 * has files of its own, and so has what follows a file that is not to be appended to.
 *
 * @param writer from 1
 * @param part from 1
 */
export function recordFilePart(name: string, writer: number, part: number): string {
  if (part > 1) return `${name}~${writer}.${part}.yaml`
  return writer > 1 ? `${name}~${writer}.yaml` : `${name}.yaml`
}

/** Whether a file in the folder is one that this writer appends to. */
export function isFileOfWriter(file: string, writer: number): boolean {
  const found = /^.+?(?:~(\d+)(?:\.\d+)?)?\.yaml$/.exec(file)
  return found !== null && Number(found[1] ?? 1) === writer
}
