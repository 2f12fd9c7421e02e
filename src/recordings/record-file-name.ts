import { createHash } from 'node:crypto'

/** File systems allow 255 bytes. The rest is for the suffix of a writer and for suffixes of editors. */
const MAX_NAME_LENGTH = 200

/** Suffix of a name: `~1.2` for the second file of a path, `~1f00ba12` for a writer without the claim. */
const suffix = /~(\d+|[\da-f]{8})(?:\.\d+)?$/

/**
 * The file name for a URL path, without suffix and extension. As in the Python simulator, slashes at the ends are dropped and
 * slashes between become underscores. So do characters that are not safe on every file system. An underscore also keeps
 * the name apart from the device names of Windows and from the suffix of a writer. Each interaction states its path, so two
 * paths may share a file.
 */
export function recordFileName(path: string): string {
  const name = path
    .replace(/^\/+|\/+$/g, '')
    .replace(/[^\w.%~=@+-]/g, '_')
    // A leading dot would hide the file.
    .replace(/^\.+/, '_')
    .replace(/^(?=(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))/i, '_')
    .replace(suffix, '$&_')
  if (name === '') return 'root'
  if (name.length <= MAX_NAME_LENGTH) return name
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 12)
  return `${name.slice(0, MAX_NAME_LENGTH)}_${digest}`
}

/**
 * The file that a process appends to.
 *
 * @param writerId of a process that does not have the claim of the folder: 8 hexadecimal digits
 * @param part from 1; more if files of the same name cannot be appended to
 */
export function recordFilePart(name: string, writerId: string | undefined, part: number): string {
  if (part > 1) return `${name}~${writerId ?? 1}.${part}.yaml`
  return writerId === undefined ? `${name}.yaml` : `${name}~${writerId}.yaml`
}

/** Whether a file belongs to the process that has the claim. Earlier versions numbered their writers: `~2`. */
export function isClaimedFile(file: string): boolean {
  const writer = suffix.exec(file.replace(/\.yaml$/, ''))?.[1]
  return file.endsWith('.yaml') && (writer === undefined || !/^[\da-f]{8}$/.test(writer))
}
