// Runs scripts of a document one after the other, as if each was in the folder of the package: loading the packages that all of them
// import takes longer than the scripts.
import { register } from 'node:module'
import { pathToFileURL } from 'node:url'

const home = JSON.stringify(pathToFileURL(`${process.cwd()}/document.mjs`).href)
// A module without a file has no folder from which its packages could be found.
const hook = `export const resolve = (specifier, context, next) =>
  next(specifier, context.parentURL?.startsWith('data:') ? { ...context, parentURL: ${home} } : context)`
register(`data:text/javascript,${encodeURIComponent(hook)}`)

let count = 0
process.on('message', async (text) => {
  const write = process.stdout.write
  let printed = ''
  process.stdout.write = (chunk) => {
    printed += String(chunk)
    return true
  }
  try {
    // The number makes two equal scripts two modules.
    await import(`data:text/javascript,${encodeURIComponent(`${text}\n// ${count++}`)}`)
    process.send?.({ printed })
  } catch (error) {
    process.send?.({ printed, failure: error instanceof Error ? error.stack : String(error) })
  } finally {
    process.stdout.write = write
  }
})
