import { chmodSync } from 'node:fs'

/** The unprivileged user of nearly every system. */
const unprivilegedUserId = 65_534

/** Becomes a user who may not read everything; false where the system has no other user to become. */
function dropRoot(): boolean {
  if (process.geteuid?.() !== 0) return true
  try {
    process.seteuid?.(unprivilegedUserId)
    return true
  } catch {
    return false
  }
}

function takeRootBack(): void {
  if (process.getuid?.() === 0) process.seteuid?.(0)
}

/** Whether `withoutRoot` works here. A namespace of users may have no other than root. */
export const canDropRoot = dropRoot()
takeRootBack()

/**
 * Runs something with the rights of a user who is not root, since root can read every file.
 *
 * @param folder is one that this user has to get into
 */
export async function withoutRoot<T>(folder: string, run: () => Promise<T>): Promise<T> {
  chmodSync(folder, 0o755)
  dropRoot()
  try {
    return await run()
  } finally {
    takeRootBack()
  }
}
