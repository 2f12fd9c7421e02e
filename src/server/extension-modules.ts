import * as extensionKit from './extension-kit.ts'

/**
 * What extensions may import wherever their files lie, by the name that they import: the running simulator's own modules,
 * for `loadExtensions`.
 */
export const extensionModules: Readonly<Record<string, object>> = {
  'aoai-simulated-api/extension': extensionKit,
}
