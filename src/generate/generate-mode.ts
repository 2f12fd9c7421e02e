import type { Deployment } from '../config/deployments.ts'
import type { Operation } from '../openai/operations.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Reply } from '../pipeline/reply.ts'
import { generateChat } from './chat.ts'
import { generateCompletion } from './completions.ts'
import { generateEmbeddings } from './embeddings.ts'

/** Answers an operation that a deployment's model carries out. */
type ModelGenerator = (exchange: Exchange, deployment: Deployment) => Reply | Promise<Reply>

/** Operations that a deployment's model carries out. */
const modelGenerators: Readonly<Partial<Record<Operation, ModelGenerator>>> = {
  chatCompletions: generateChat,
  completions: generateCompletion,
  embeddings: generateEmbeddings,
}

/** Generate mode: answers every known operation with made-up content of true size. */
export async function generateMode(exchange: Exchange): Promise<Reply | undefined> {
  const { route, deployment } = exchange
  if (!route || !deployment) return undefined
  return modelGenerators[route.operation]?.(exchange, deployment)
}
