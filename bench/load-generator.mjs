// Keeps connections busy and prints {"requests", "seconds", "unexpected"}. Used if wrk is not installed. Writes
// prepared bytes to raw sockets and only detects the end of each answer, because a generator on node:http would be
// slower than the servers. Arguments: plan file, milliseconds.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'

const [planFile, milliseconds] = process.argv.slice(2)
const lines = readFileSync(planFile, 'utf8').split('\n')
const [port, connections, status, path, key, prefix, suffix, numbering, resources, ...texts] = lines.slice(
  0,
  -1,
) // The last line is empty.
const head = `HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\napi-key: ${key}\r\nContent-Type: application/json\r\n`
const fixedRequest = requestOf(path, prefix + suffix)
const startedMs = performance.now()
const endMs = startedMs + Number(milliseconds)
// Each run starts with another text.
let number = Date.now() % 1_000_003
let requests = 0
let unexpected = 0

function requestOf(target, body) {
  return `POST ${target} ${head}Content-Length: ${body.length}\r\n\r\n${body}`
}

function nextRequest() {
  number += 1
  const target = resources === '0' ? path : path.replace('{resource}', String(number % Number(resources)))
  if (texts.length === 0) return resources === '0' ? fixedRequest : requestOf(target, prefix + suffix)
  const before = numbering === 'numbered' ? `${Date.now() * 1000 + number} ` : ''
  return requestOf(target, `${prefix}${before}${texts[number % texts.length]}${suffix}`)
}

/** Whether the answer is complete. */
function isComplete(answer) {
  const headersEnd = answer.indexOf('\r\n\r\n')
  if (headersEnd < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer.slice(0, headersEnd + 2))
  return length ? answer.length >= headersEnd + 4 + Number(length[1]) : answer.endsWith('\r\n0\r\n\r\n')
}

function keepBusy() {
  const socket = connect(Number(port), '127.0.0.1')
  let answer = ''
  socket.setNoDelay(true).setEncoding('latin1')
  socket.on('connect', () => socket.write(nextRequest(), 'latin1'))
  socket.on('data', (text) => {
    answer += text
    if (!isComplete(answer)) return
    requests += 1
    if (answer.slice(9, 12) !== status) unexpected += 1
    answer = ''
    if (performance.now() < endMs) socket.write(nextRequest(), 'latin1')
    else socket.destroy()
  })
  socket.on('error', (error) => {
    console.error(error.message)
    process.exit(1)
  })
}

for (let index = 0; index < Number(connections); index += 1) keepBusy()
process.on('exit', () => {
  console.log(JSON.stringify({ requests, seconds: (performance.now() - startedMs) / 1000, unexpected }))
})
setTimeout(() => process.exit(0), Number(milliseconds) + 1000).unref()
