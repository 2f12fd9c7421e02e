import { type AzureOpenAI, RateLimitError } from 'openai'

const realSleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The code under test: asks a question, and after a 429 repeats it when the wait of the response is over. */
export async function ask(client: AzureOpenAI, question: string, sleep = realSleep): Promise<string> {
  for (;;) {
    try {
      const { choices } = await client.chat.completions.create({
        model: 'chat',
        messages: [{ role: 'user', content: question }],
        max_tokens: 20,
      })
      return choices[0]?.message.content ?? ''
    } catch (error) {
      if (!(error instanceof RateLimitError)) throw error
      await sleep(Number(error.headers.get('retry-after-ms')))
    }
  }
}
