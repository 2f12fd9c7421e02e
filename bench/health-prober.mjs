// Asks a server for /healthz every 20 ms, from a thread of its own, and says how long the longest answer took, without
// the time for which the server was ready to run and other programs had the processor.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

const everyMs = 20
const request = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
const { port, pid } = workerData

let longestMs = 0
let sent
let socket = open()

function open() {
  const opened = connect(port, '127.0.0.1')
  opened.on('data', note)
  // A server that is gone is the case's business; one that is busy keeps the connection waiting.
  opened.on('error', () => {})
  opened.on('close', () => setTimeout(() => (socket = open()), everyMs))
  return opened
}

/** How long the server's main thread has waited for a processor, in milliseconds. */
function queuedMs() {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}

function note() {
  if (!sent) return
  const tookMs = performance.now() - sent.atMs
  // Most answers come at once, and need no second look.
  if (tookMs > longestMs) longestMs = Math.max(longestMs, tookMs - Math.max(0, queuedMs() - sent.queuedMs))
  sent = undefined
}

setInterval(() => {
  if (sent || !socket.writable || socket.connecting) return
  sent = { atMs: performance.now(), queuedMs: queuedMs() }
  socket.write(request)
}, everyMs)

parentPort.on('message', () => {
  note()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin.
  parentPort.postMessage(longestMs)
  process.exit()
})
