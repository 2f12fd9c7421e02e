import { AppendStore } from '../../src/recordings/append-store.ts'
import { serializeInteraction } from '../../src/recordings/yaml-format.ts'

/**
 * Appends interactions to a folder until it is killed, or up to a number: `append-forever.ts <folder> <name> <bytes>
 * <count>`. Prints the number of each once it is acknowledged.
 */
const [dir = '', name = '', bytes = '0', count = 'Infinity'] = process.argv.slice(2)
const store = new AppendStore(dir, () => {})
for (let index = 0; index < Number(count); index++) {
  const item = serializeInteraction({
    request: {
      method: 'POST',
      uri: `http://x/${name}/${index}`,
      headers: [],
      body: undefined,
      bodyHash: undefined,
    },
    response: {
      status: { code: 200, message: undefined },
      headers: [],
      body: { kind: 'bytes', bytes: Buffer.from(`${'line of text\n'.repeat(Number(bytes) / 13)}${index}`) },
      durationMs: 1,
    },
    contextValues: {},
  })
  await store.append('/shared/path', item)
  process.stdout.write(`${index}\n`)
}
await store.close()
