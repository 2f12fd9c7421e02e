import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../../tokens/encoding.ts'
import { findModel } from '../models/model-catalogue.ts'
import { countResponsesInput, type CountedResponsesRequest } from '../responses/responses-request.ts'
import type { ChatMessage, ChatRequest, JsonSchemaFormat } from './chat-request.ts'
import { countChatPrompt } from './prompt-tokens.ts'
import { renderFormat, renderTools } from './tool-tokens.ts'

describe('renderTools', () => {
  const tools = [
    {
      name: 'weather',
      description: 'Tells the weather ',
      parameters: { title: 'weather_args', properties: { city: { type: 'string' } }, required: ['city'] },
    },
    { name: 'ping' },
    { name: 'patch', custom: true, grammar: '\n  start: "a"\n  %import common.INT\n' },
  ]
  const types =
    '// Tells the weather\ntype weather = (_: // weather_args\n{ city: string }) => any;\n\n' +
    'type ping = () => any;\n\n// start: "a"\n// %import common.INT\ntype patch = (FREEFORM) => any;\n\n'

  it('renders tools as a TypeScript namespace', () => {
    expect(renderTools(tools)).toBe(
      `## functions\n\nnamespace functions {\n\n${types}} // namespace functions`,
    )
  })

  it('renders tools below headings for the gpt-5 family', () => {
    expect(renderTools(tools, 'headings')).toBe(
      `## Namespace: functions\n\n### Target channel: commentary\n\n### Tool definitions\n${types}`,
    )
  })
})

describe('renderFormat', () => {
  it('omits keywords that only restrict values, but not properties with their names', () => {
    const schema = {
      type: 'object',
      properties: {
        required: { type: 'string', minLength: 2, format: 'email' },
        format: { type: 'number', minimum: 0, maximum: 1, default: 0.5 },
        kind: { const: 'a' },
      },
      required: ['required'],
      additionalProperties: false,
    }
    expect(renderFormat({ name: 'Answer', description: 'An answer.', schema })).toBe(
      '# Response Formats\n\n## Answer\n\n// An answer.\n' +
        '{"type":"object","properties":{"required":{"type":"string"},"format":{"type":"number"},"kind":{"const":"a"}}}',
    )
  })
})

const user = (content: string): ChatMessage => ({ role: 'user', content })
const system = (content: string): ChatMessage => ({ role: 'system', content })
const object = (properties: Record<string, unknown>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})
const tool = (name: string, description: string, parameters: Record<string, unknown>) => ({
  type: 'function' as const,
  function: { name, description, parameters },
})
const formatOf = (format: JsonSchemaFormat) => ({ type: 'json_schema' as const, json_schema: format })

const weather = tool('get_weather', 'Get weather', object({ location: { type: 'string' } }))
const scoreFormat = formatOf({
  name: 'ScoreOutput',
  strict: true,
  schema: {
    properties: { score: { title: 'Score', type: 'integer' } },
    required: ['score'],
    title: 'ScoreOutput',
    type: 'object',
    additionalProperties: false,
  },
})
const answerFormat = formatOf({
  name: 'AnswerResponse',
  strict: true,
  schema: {
    description: 'Response model with structured fields.',
    properties: {
      answer: { description: 'The answer to the question', title: 'Answer', type: 'string' },
      confidence: { description: 'Confidence score between 0 and 1', title: 'Confidence', type: 'number' },
    },
    required: ['answer', 'confidence'],
    title: 'AnswerResponse',
    type: 'object',
    additionalProperties: false,
  },
})
const articleFormat = formatOf({
  name: 'structured_data',
  description: 'Summary of the article',
  strict: true,
  schema: {
    description: 'Summary of the article',
    properties: { title: { type: 'string' }, author: { type: 'string' } },
    required: ['title', 'author'],
    type: 'object',
    additionalProperties: false,
  },
})
const article =
  '\n# Apples are tasty\n\nBy Hadley Wickham\nApples are delicious and tasty and I like to eat them.\n' +
  'Except for red delicious, that is. They are NOT delicious.\n'
const paper = formatOf({
  name: 'research_paper_extraction',
  strict: true,
  schema: object({
    title: { type: 'string' },
    authors: { type: 'array', items: { type: 'string' } },
    abstract: { type: 'string' },
    keywords: { type: 'array', items: { type: 'string' } },
  }),
})
const extract =
  'You are an expert at structured data extraction. You will be given unstructured text from a research paper and should convert ' +
  'it into the given structure.'
const abstract =
  'The Impact of Artificial Intelligence on Modern Healthcare by Dr. Jane Smith and Dr. John Doe. This paper explores the ' +
  'transformative role of AI in medical diagnostics and treatment planning. Key topics include machine learning, neural networks, ' +
  'and predictive analytics.'
const add = tool(
  'add',
  'Adds a and b.\n        Args:\n            a: first int\n            b: second int',
  object({ a: { type: 'integer' }, b: { type: 'integer' } }),
)
const issue = tool(
  'create_issue',
  'Create a GitHub issue',
  object({
    title: { description: 'Issue title', title: 'Title', type: 'string' },
    body: { default: null, description: 'Issue body', title: 'Body', type: 'string' },
  }),
)
const multiplier = tool(
  'multiplier',
  'Useful for when you need to multiply two numbers together.',
  object({
    first_number: { title: 'First Number', type: 'integer' },
    second_number: { title: 'Second Number', type: 'integer' },
  }),
)
const multiply =
  'You are test role. test backstory\nYour personal goal is: test goal\nCurrent Task: What is 3 times 4?\n\nThis is the expected ' +
  'criteria for your final answer: The result of the multiplication.\nyou MUST return the actual complete content as the final ' +
  'answer, not a summary.\n\nThis is VERY important to you, your job depends on it!'
/** Recorded requests with their bills. The first column is the project. */
describe('countChatPrompt', () => {
  const question = user("What's the weather?")
  it.each([
    [
      'activeagent, one required tool',
      'gpt-4o-mini',
      44,
      { messages: [question], tools: [weather], tool_choice: 'required' },
    ],
    [
      'activeagent, one chosen tool',
      'gpt-4o-mini',
      53,
      {
        messages: [question],
        tools: [weather],
        tool_choice: { type: 'function', function: { name: 'get_weather' } },
      },
    ],
    [
      'dd-trace-py, a description of several lines',
      'gpt-35-turbo',
      72,
      { messages: [user('What is the sum of 1 and 2?')], tools: [add] },
    ],
    [
      'crewAI, title, description and default null',
      'gpt-35-turbo',
      93,
      {
        messages: [
          system('You are Test Agent. Test backstory\nYour personal goal is: Test goal'),
          user('\nCurrent Task: Create a GitHub issue'),
        ],
        tools: [issue],
      },
    ],
    ['crewAI, o-series', 'o3-mini', 133, { messages: [user(multiply)], tools: [multiplier] }],
    [
      'crewAI, a format',
      'gpt-4o',
      94,
      { messages: [user('What is the capital of France? Be concise.')], response_format: answerFormat },
    ],
    [
      'activeagent, a format with a name of five tokens',
      'gpt-4o',
      152,
      { messages: [system(extract), user(abstract)], response_format: paper },
    ],
    [
      'chatlas, a described format',
      'gpt-5.4',
      90,
      { messages: [user(article)], response_format: articleFormat },
    ],
  ] satisfies [string, string, number, ChatRequest][])(
    'counts tools and formats as billed: %s',
    (_, name, billed, request) => {
      const model = findModel(name)!
      expect(countChatPrompt(request, model, loadEncoding(model.encoding))).toBe(billed)
    },
  )

  it('adds the description of namespaces for the gpt-5 family', () => {
    const model = findModel('gpt-5-mini')!
    const encoding = loadEncoding(model.encoding)
    const city = tool(
      'get_weather',
      'Get the current weather for a city.',
      object({ city: { type: 'string' } }),
    )
    const request = { messages: [user("What's the weather in Paris?")], tools: [city] }
    // pydantic-ai
    expect(countChatPrompt(request, model, encoding)).toBe(132)
    const free = { ...request, tool_choice: 'required' as const }
    expect(countChatPrompt(free, model, encoding)).toBe(132)
  })

  it('counts the name of the format for each earlier answer in JSON', () => {
    const model = findModel('gpt-4.1-mini')!
    const encoding = loadEncoding(model.encoding)
    const count = (content: string): number =>
      countChatPrompt(
        {
          messages: [user('Score'), { role: 'assistant', content }, user('Again')],
          response_format: scoreFormat,
        },
        model,
        encoding,
      )
    const header = 2 + encoding.count('ScoreOutput')
    expect(count('{"score":4}') - count('A score of 4')).toBe(
      header + encoding.count('{"score":4}') - encoding.count('A score of 4'),
    )
  })
})

describe('countResponsesInput', () => {
  const broken = {
    type: 'function',
    name: 'broken',
    description: 'Gets current weather',
    parameters: object({}),
  }
  const roll = { ...broken, name: 'roll', description: 'Rolls a six-sided die' }
  const limits = {
    type: 'json_schema' as const,
    name: 'user_data',
    strict: true,
    schema: object({
      name: { type: 'string', minLength: 2 },
      email: { type: 'string', format: 'email' },
      age: { type: 'integer', minimum: 18 },
    }),
  }
  const person = {
    type: 'json_schema' as const,
    name: 'structured_data',
    strict: true,
    schema: {
      properties: { name: { type: 'string' }, age: { type: 'integer' } },
      required: ['name', 'age'],
      type: 'object',
      additionalProperties: false,
    },
  }

  it.each([
    ['ruby_llm, a tool', 'gpt-5.4', 38, { input: 'What is the weather?', tools: [broken] }],
    [
      'chatlas, a tool and a system message',
      'gpt-5.4',
      55,
      {
        instructions: 'Be terse.',
        input: "Roll the dice, please! Reply with 'You rolled ____'",
        tools: [roll],
      },
    ],
    [
      'chatlas, a format',
      'gpt-5.4',
      44,
      { input: 'John, age 15, won first prize', text: { format: person } },
    ],
    [
      'activeagent, a format with limits',
      'gpt-4o',
      58,
      { input: 'John Smith is 25 years old and his email is john@example.com', text: { format: limits } },
    ],
  ] satisfies [string, string, number, CountedResponsesRequest][])(
    'counts tools and formats as billed: %s',
    (_, name, billed, request) => {
      const model = findModel(name)!
      expect(countResponsesInput(request, model, loadEncoding(model.encoding))).toBe(billed)
    },
  )

  it('adds the description of namespaces without parallel calls', () => {
    const model = findModel('gpt-5-nano')!
    const encoding = loadEncoding(model.encoding)
    const request = { input: 'What is the weather?', tools: [broken] }
    const serial = { ...request, parallel_tool_calls: false }
    expect(countResponsesInput(serial, model, encoding) - countResponsesInput(request, model, encoding)).toBe(
      78,
    )
  })

  it('counts the grammar of a custom tool without indentation', () => {
    const model = findModel('gpt-5')!
    const encoding = loadEncoding(model.encoding)
    const count = (format?: unknown) =>
      countResponsesInput(
        { input: 'Add 4 and 4.', tools: [{ type: 'custom', name: 'math', description: 'Sums', format }] },
        model,
        encoding,
      )
    const grammar = (definition: unknown) => ({ type: 'grammar', syntax: 'lark', definition })
    const withoutIndentation = count(grammar('start: INT\n%import common.INT'))
    expect(withoutIndentation).toBeGreaterThan(count())
    expect(count(grammar('\n    start: INT\n    %import common.INT\n  '))).toBe(withoutIndentation)
    expect([count({ type: 'text' }), count(grammar(1)), count('text')]).toEqual([count(), count(), count()])
  })
})
