import { RateLimitError } from 'openai'

const realSleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** What is tested here: asks a question, and after a 429 once more when the service says. */
export async function ask(client, question, sleep = realSleep) {
  for (;;) {
    try {
      const { choices } = await client.chat.completions.create({
        model: 'chat',
        messages: [{ role: 'user', content: question }],
        max_tokens: 20,
      })
      return choices[0].message.content
    } catch (error) {
      if (!(error instanceof RateLimitError)) throw error
      await sleep(Number(error.headers.get('retry-after-ms')))
    }
  }
}
