// The bare server for comparison: reads the request, parses its JSON, and sends one captured answer. Plain JavaScript
// without a loader. Arguments: port, answer file.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const [port, answerFile] = process.argv.slice(2)
const { status, headers, body } = JSON.parse(readFileSync(answerFile, 'utf8'))
// node:http sends an ASCII string in one write with the headers, which is its fastest path.
const bytes = Buffer.from(body, 'base64')
const ascii = bytes.every((byte) => byte < 128)

createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    JSON.parse(chunks.length === 1 ? chunks[0].toString() : Buffer.concat(chunks).toString())
    response.writeHead(status, headers)
    if (ascii) response.end(bytes.latin1Slice(), 'latin1')
    else response.end(bytes)
  })
}).listen(Number(port), '127.0.0.1')
