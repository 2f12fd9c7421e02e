import { fileURLToPath } from 'node:url'
import { setting, text, textThat } from './setting.ts'

const group = 'Server'

/** Settings of the place that keeps changes at run time. */
export const configStoreSettings = {
  configStore: setting(
    textThat(
      (value) => storeOf(value) !== undefined,
      'file: with the path of a file, such as file:/data/changes.json, or blob: with the https address of a blob, such as blob:https://NAME.blob.core.windows.net/sim/changes.json of Azure Storage',
    ),
    {
      env: 'CONFIG_STORE',
      group,
      mayHoldSecret: true,
      unsetMeaning: 'changes are lost at a restart',
      description:
        'File or blob in Azure Storage that keeps changes at run time across restarts (docs/admin.md). The address of a blob can have a SAS, which is secret.',
    },
  ),
  configStoreKey: setting(text(/^[A-Za-z\d+/]{16,}={0,2}$/, 'the key of a storage account, in base64'), {
    env: 'CONFIG_STORE_KEY',
    group,
    secret: true,
    unsetMeaning: 'the SAS of the address, or Microsoft Entra ID',
    description: 'Key of the storage account of the blob in CONFIG_STORE.',
  }),
  configStoreCopy: setting(text(/[^\\/]$/, 'the path of a file, or off'), {
    env: 'CONFIG_STORE_COPY',
    group,
    unsetMeaning: 'a file in $XDG_STATE_HOME/aoai-sim or ~/.local/state/aoai-sim',
    description:
      'File with a copy of the blob in CONFIG_STORE, for a start without Azure Storage; off keeps none.',
  }),
}

/** A file in CONFIG_STORE. */
export interface FileStore {
  readonly kind: 'file'
  /** Absolute, or relative to the working directory. */
  readonly path: string
}

/** A blob in CONFIG_STORE. */
export interface BlobStore {
  readonly kind: 'blob'
  /** Without the SAS. */
  readonly address: string
  /** Query with a shared access signature; secret. */
  readonly sas: string | undefined
  readonly account: string
  readonly container: string
}

/** Returns the meaning of a value of CONFIG_STORE; undefined if the value is invalid. */
export function storeOf(value: string): FileStore | BlobStore | undefined {
  if (value.startsWith('file:')) return fileOf(value)
  return value.startsWith('blob:') ? blobOf(value.slice('blob:'.length)) : undefined
}

function fileOf(value: string): FileStore | undefined {
  try {
    const path = value.startsWith('file://') ? fileURLToPath(value) : value.slice('file:'.length)
    return path.trim() === '' || /[\\/\0]$|\0/.test(path) ? undefined : { kind: 'file', path }
  } catch {
    return undefined
  }
}

/** Hosts without the name of the account: addresses, single names such as those of containers, and hosts with a port. */
const pathStyleHost = /^[^.]+$|^[\d.]+$|^\[|:\d+$|^host\.docker\.internal$/

/** Names of containers, with the special ones `$root` and `$web`. */
const containerName = /^(?:[a-z\d]+(?:-[a-z\d]+)*|\$root|\$web)$/

function blobOf(text: string): BlobStore | undefined {
  if (/\s/.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const isHttp = url.protocol === 'https:' || url.protocol === 'http:'
  if (!isHttp || url.username !== '' || url.password !== '' || text.includes('#')) return undefined
  const segments = url.pathname.slice(1).split('/')
  const account = pathStyleHost.test(url.host) ? segments.shift() : url.hostname.split('.', 1)[0]
  const [container = '', ...name] = segments
  if (account === undefined || !/^[a-z\d-]{3,}$/.test(account) || !containerName.test(container))
    return undefined
  if (name.length === 0 || name.includes('')) return undefined
  const hasSas = url.search !== ''
  // Another query, such as that of a snapshot, addresses something that cannot be written.
  const { searchParams } = url
  if (hasSas && (!searchParams.get('sig') || searchParams.has('snapshot') || searchParams.has('versionid')))
    return undefined
  return {
    kind: 'blob',
    address: url.origin + url.pathname,
    sas: hasSas ? url.search.slice(1) : undefined,
    account,
    container,
  }
}

/** The values of these settings. */
export interface ConfigStoreValues {
  readonly configStore?: string | undefined
  readonly configStoreKey?: string | undefined
  readonly configStoreCopy?: string | undefined
}

/** Returns the secrets of the store, to redact them everywhere. */
export function secretsOfStore(config: ConfigStoreValues): readonly string[] {
  const store = storeOf(config.configStore ?? '')
  const sas = store?.kind === 'blob' ? store.sas : undefined
  const signature = new URLSearchParams(sas).get('sig')
  return [config.configStoreKey, sas, signature].filter((text) => typeof text === 'string')
}

/** Validates these settings together. Returns problems of one or two sentences each. */
export function configStoreProblems({
  configStore,
  configStoreKey,
  configStoreCopy,
}: ConfigStoreValues): readonly string[] {
  const store = storeOf(configStore ?? '')
  if (store?.kind !== 'blob') {
    const others = { CONFIG_STORE_KEY: configStoreKey, CONFIG_STORE_COPY: configStoreCopy }
    return Object.entries(others)
      .filter(([, value]) => value !== undefined)
      .map(
        ([name]) =>
          `${name} is set, but CONFIG_STORE is not a blob. Set CONFIG_STORE to blob: with an address, or remove ${name}.`,
      )
  }
  if (store.sas !== undefined && configStoreKey !== undefined) {
    return [
      'CONFIG_STORE has a SAS, and CONFIG_STORE_KEY is set as well, but only one of them can be used. Remove one of the two.',
    ]
  }
  if (store.address.startsWith('http:') && store.sas === undefined && configStoreKey === undefined) {
    return [
      'CONFIG_STORE uses http, over which tokens of Microsoft Entra ID are not sent. Use https, or set CONFIG_STORE_KEY.',
    ]
  }
  return []
}
