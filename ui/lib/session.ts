import { createStore, type Store } from './store.ts'

const storageKey = 'aoai-sim-admin-key'

/** The admin key of this tab, and why the last one was refused. */
export interface Session {
  readonly key: string | undefined
  /** Why sign-in is needed again; undefined at the first time. */
  readonly refusal: string | undefined
}

export const session: Store<Session> = createStore<Session>({ key: undefined, refusal: undefined })

/** Takes the key from the address (`#key=...`, which is removed immediately) or from the storage of the browser. */
export function openSession(): void {
  const given = /^#\/?key=(.*)$/s.exec(location.hash)?.[1]
  if (given === undefined) {
    const key = read(sessionStorageOf) ?? read(localStorageOf)
    session.set({ key, refusal: undefined })
    return
  }
  history.replaceState(null, '', '#/')
  dispatchEvent(new HashChangeEvent('hashchange'))
  signIn(decode(given), { remember: false })
}

/** Keeps the key for this tab, or on this device. */
export function signIn(key: string, { remember }: { readonly remember: boolean }): void {
  write(remember ? localStorageOf : sessionStorageOf, key)
  write(remember ? sessionStorageOf : localStorageOf, undefined)
  session.set({ key, refusal: undefined })
}

/** Forgets the key. */
export function signOut(refusal?: string): void {
  write(sessionStorageOf, undefined)
  write(localStorageOf, undefined)
  session.set({ key: undefined, refusal })
}

type StorageOf = () => Storage

/** A browser can forbid storage; access then throws. */
const sessionStorageOf: StorageOf = () => sessionStorage
const localStorageOf: StorageOf = () => localStorage

function read(storage: StorageOf): string | undefined {
  try {
    return storage().getItem(storageKey) ?? undefined
  } catch {
    return undefined
  }
}

function write(storage: StorageOf, value: string | undefined): void {
  try {
    if (value === undefined) storage().removeItem(storageKey)
    else storage().setItem(storageKey, value)
  } catch {
    // The key is kept in memory.
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
