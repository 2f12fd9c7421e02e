// An upstream for benchmarks of forwarding: streams a chat completion, one event in each chunk, or sends a whole one. Plain
// JavaScript without a loader. Argument: port.
import { createServer } from 'node:http'

const events = 60
const pauseMs = 2
const chunk = (delta, finish) => {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish, content_filter_results: {} }]
  const common = { id: 'chatcmpl-0123456789', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o' }
  return Buffer.from(
    `data: ${JSON.stringify({ ...common, choices, usage: null, obfuscation: 'abcdefgh' })}\n\n`,
  )
}
const first = chunk({ role: 'assistant', content: '' }, null)
const middle = chunk({ content: ' a word' }, null)
const last = Buffer.concat([chunk({}, 'stop'), Buffer.from('data: [DONE]\n\n')])
const whole = JSON.stringify({
  id: 'chatcmpl-0123456789',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'a word '.repeat(events) }, finish_reason: 'stop' },
  ],
  usage: { prompt_tokens: 10, completion_tokens: events, total_tokens: 10 + events },
})

createServer((request, response) => {
  const pieces = []
  request.on('data', (piece) => pieces.push(piece))
  request.on('end', () => {
    if (!Buffer.concat(pieces).includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': whole.length })
      response.end(whole)
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    let sent = 0
    const send = () => {
      sent++
      if (sent > events) response.end(last)
      else {
        response.write(sent === 1 ? first : middle)
        setTimeout(send, pauseMs)
      }
    }
    send()
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
