import { describe, expect, it } from 'vitest'
import { findRoute } from './route.ts'

describe('findRoute', () => {
  it.each([
    [
      'POST',
      '/openai/deployments/my%20gpt/chat/completions',
      { operation: 'chatCompletions', deploymentName: 'my gpt', dated: true },
    ],
    ['POST', '/openai/v1/embeddings', { operation: 'embeddings', dated: false }],
    ['POST', '/v1/chat/completions', { operation: 'chatCompletions', dated: false }],
    ['POST', '/openai/responses', { operation: 'responses', dated: true }],
    ['GET', '/openai/v1/responses/resp_1', { operation: 'getResponse', id: 'resp_1', dated: false }],
    ['DELETE', '/openai/responses/resp_1', { operation: 'deleteResponse', id: 'resp_1', dated: true }],
    ['POST', '/v1/responses/resp_1/cancel', { operation: 'cancelResponse', id: 'resp_1', dated: false }],
    ['GET', '/v1/responses/resp_1/input_items', { operation: 'listInputItems', id: 'resp_1', dated: false }],
    ['GET', '/openai/models', { operation: 'listModels', dated: true }],
    ['GET', '/openai/v1/models/gpt-4o', { operation: 'getModel', id: 'gpt-4o', dated: false }],
    [
      'POST',
      '/openai/deployments/w/audio/transcriptions',
      { operation: 'transcriptions', deploymentName: 'w', dated: true },
    ],
    [
      'POST',
      '/acme/openai/deployments/chat/chat/completions',
      { operation: 'chatCompletions', deploymentName: 'chat', dated: true, resource: 'acme' },
    ],
    ['POST', '/models/chat/completions', { operation: 'chatCompletions', dated: false, isInference: true }],
    ['POST', '/models/embeddings', { operation: 'embeddings', dated: false, isInference: true }],
    [
      'POST',
      '/acme/models/chat/completions',
      { operation: 'chatCompletions', dated: false, isInference: true, resource: 'acme' },
    ],
    ['GET', '/acme/v1/models', { operation: 'listModels', dated: false, resource: 'acme' }],
    ['POST', '/anthropic/v1/messages', { operation: 'messages', dated: false }],
    ['POST', '/anthropic/v1/messages/count_tokens', { operation: 'countMessageTokens', dated: false }],
    ['POST', '/acme/anthropic/v1/messages', { operation: 'messages', dated: false, resource: 'acme' }],
    ['GET', '/anthropic/v1/models', { operation: 'listAnthropicModels', dated: false }],
    [
      'GET',
      '/acme/anthropic/v1/models/claude-opus-5-5',
      { operation: 'getAnthropicModel', id: 'claude-opus-5-5', dated: false, resource: 'acme' },
    ],
  ])('finds %s %s', (method, path, route) => {
    expect(findRoute(method, path)).toEqual(route)
  })

  it.each([
    ['GET', '/openai/v1/chat/completions'],
    ['POST', '/openai/chat/completions'],
    ['POST', '/openai/deployments//chat/completions'],
    ['POST', '/openai/deployments/gpt-4o/responses'],
    ['POST', '/openai/deployments/%E0%A4%A/embeddings'],
    ['GET', '/openai/deployments/gpt-4o'],
    ['GET', '/openai/v1/responses/'],
    ['GET', '/openai/v1/responses/a/b/c'],
    ['POST', '/models/responses'],
    ['POST', '/anthropic/v1/chat/completions'],
    ['POST', '/anthropic/messages'],
    ['POST', '/v1/messages'],
    ['GET', '/anthropic/v1/messages'],
    ['POST', '/anthropic/anthropic/v1/messages'],
    ['GET', '/models/info'],
    ['POST', '/'],
    ['GET', '/v1/openai/models'],
    ['GET', '/a/b/openai/models'],
    ['GET', '/Acme/openai/models'],
  ])('returns undefined for %s %s', (method, path) => {
    expect(findRoute(method, path)).toBeUndefined()
  })
})
