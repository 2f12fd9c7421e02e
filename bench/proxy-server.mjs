// The bare proxy for comparison: passes on requests and answers with node:http, and changes nothing but the host. Plain JavaScript
// without a loader. Arguments: port, port of the upstream.
import { Agent, createServer, request } from 'node:http'

const [port, upstream] = process.argv.slice(2).map(Number)
const agent = new Agent({ keepAlive: true })

createServer((incoming, outgoing) => {
  const { method, url: path, headers } = incoming
  const call = request({ host: '127.0.0.1', port: upstream, method, path, headers, agent })
  call.on('response', (answer) => {
    outgoing.writeHead(answer.statusCode, answer.headers)
    answer.pipe(outgoing)
  })
  call.on('error', () => outgoing.destroy())
  incoming.pipe(call)
}).listen(port, '127.0.0.1')
