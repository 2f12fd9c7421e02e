import { describe, expect, it } from 'vitest'
import { namedErrorNames } from '../wire/named-errors.ts'
import { checkFaultFile, resolveFault, resolveFaults, faultKinds } from './fault-rules.ts'
import { loadConfig } from './live-config.ts'

const known = new Set(['chat'])
const resolve = (...faults: unknown[]) => resolveFaults(faults, { location: 'faults', known })
const ruleOf = (rule: object) => resolve({ probability: 1, ...rule }).rules[0]
const problemsOf = (rule: object) => resolve({ probability: 1, fault: 'serverError', ...rule }).problems

describe('fault rules', () => {
  it('accept a word for a kind with default parameters, or for an error', () => {
    expect(ruleOf({ fault: 'stall' })?.fault).toEqual({ kind: 'stall', ms: Infinity })
    expect(ruleOf({ fault: 'splitEvent' })?.fault).toEqual({ kind: 'splitEvent', parts: 2, gapMs: 20 })
    expect(ruleOf({ fault: 'serverError' })?.fault).toEqual({ kind: 'error', error: 'serverError' })
  })

  it('accept each kind and each error by its word', () => {
    for (const word of [...namedErrorNames, ...faultKinds]) {
      if (word === 'error' || word === 'delay') continue
      expect({ word, problems: resolve({ probability: 0.5, fault: word }).problems }).toEqual({
        word,
        problems: [],
      })
    }
  })

  it('accept a mapping with a kind and parameters', () => {
    const fault = { kind: 'stall', ms: 500, afterEvents: 3 }
    expect(ruleOf({ fault })?.fault).toEqual(fault)
    expect(ruleOf({ fault: { kind: 'stall', ms: 'forever' } })?.fault).toEqual({
      kind: 'stall',
      ms: Infinity,
    })
    const delay = { kind: 'delay', ms: { distribution: 'lognormal', medianMs: 500, sigma: 1 } }
    expect(ruleOf({ fault: delay })?.fault).toEqual(delay)
    expect(ruleOf({ fault: { kind: 'delay', ms: 20 } })?.fault).toEqual({
      kind: 'delay',
      ms: { distribution: 'constant', ms: 20 },
    })
  })

  it('have their name as label, or else that of their error or kind', () => {
    expect(ruleOf({ fault: 'cut', name: 'bad-router' })?.label).toBe('bad-router')
    expect(ruleOf({ fault: 'cut' })?.label).toBe('cut')
    expect(ruleOf({ fault: 'overloaded503' })?.label).toBe('overloaded503')
  })

  it('apply to streams only if the fault requires a stream', () => {
    expect(ruleOf({ fault: 'errorEvent' })?.stream).toBe(true)
    expect(ruleOf({ fault: { kind: 'cut', afterEvents: 2 } })?.stream).toBe(true)
    expect(ruleOf({ fault: { kind: 'cut', afterShare: 0.2 } })?.stream).toBeUndefined()
  })

  it.each([
    [{ probability: 1.5 }, 'faults[0].probability must be a number from 0 to 1 (got 1.5).'],
    [{ probability: undefined }, 'faults[0].probability must be a number from 0 to 1 (got nothing).'],
    [
      { deployment: 'chta' },
      'faults[0].deployment must be the name of a deployment (got "chta"). Known names are chat.',
    ],
    [{ operation: 'chatCompletion' }, 'Did you mean chatCompletions?'],
    [{ fault: 'serverErorr' }, '(got "serverErorr"). Did you mean serverError?'],
    [{ fault: 7 }, 'faults[0].fault must be one of error, delay, stall'],
    [{ fault: { kind: 'stal' } }, 'Did you mean stall?'],
    [
      { fault: { kind: 'stall', ms: -1 } },
      'faults[0].fault.ms must be a number of milliseconds up to 3,600,000, or forever (got -1).',
    ],
    [
      { fault: { kind: 'delay', ms: { distribution: 'normal', meanMs: -5, stdDevMs: 0 } } },
      'faults[0].fault.ms.meanMs must be a number from 0 to 3,600,000 (got -5).',
    ],
    [
      { fault: { kind: 'cut', afterShare: 1 } },
      'faults[0].fault.afterShare must be a number between 0 and 1 (got 1).',
    ],
    [
      { fault: { kind: 'cut', afterShare: 0.5, afterEvents: 2 } },
      'faults[0].fault must have only one of afterEvents and afterShare',
    ],
    [
      { fault: { kind: 'cut', after: 1 } },
      'faults[0].fault.after is not a known key. Known keys are kind, afterEvents, afterShare.',
    ],
    [
      { fault: { kind: 'contentFilter', category: 'jailbreak' } },
      'faults[0].fault.category must not be jailbreak unless finds is prompt',
    ],
    [
      { fault: 'errorEvent', stream: false },
      'faults[0].stream must be true for this fault, which applies to streams only (got false).',
    ],
    [
      { fault: 'refusal', operation: 'embeddings' },
      'faults[0].operation must be one of chatCompletions, responses, messages for refusal (got "embeddings").',
    ],
    [
      { name: 'stall' },
      'faults[0].name must not be the name of a kind of fault or of an error (got "stall").',
    ],
    [{ name: 'a b' }, 'faults[0].name must be 1 to 64 letters'],
    [{ chance: 1 }, 'faults[0].chance is not a known key. Known keys are name, probability'],
  ])('reject %j with its path', (rule, message) => {
    expect(problemsOf(rule).join('\n')).toContain(message)
  })

  it('of a deployment have its name, and cannot set another one', () => {
    const rule = { probability: 1, fault: 'cut' }
    const own = resolveFaults([rule], { location: '"chat".faults', deployment: 'chat' })
    expect(own.rules[0]?.deployment).toBe('chat')
    const wrong = resolveFaults([{ ...rule, deployment: 'x' }], {
      location: '"chat".faults',
      deployment: 'chat',
    })
    expect(wrong.problems[0]).toContain('"chat".faults[0].deployment is not a known key.')
    expect(resolveFaults({}, { location: '"chat".faults' }).problems).toEqual([
      '"chat".faults must be a list of faults (got {}). docs/faults.md has examples.',
    ])
  })

  it('have a form for a single fault', () => {
    expect(resolveFault('cut', 'x-sim-fault')).toEqual({ fault: { kind: 'cut' } })
    expect(resolveFault('cuts', 'x-sim-fault')).toMatchObject({
      problems: [expect.stringMatching(/^x-sim-fault must be one of/)],
    })
  })
})

describe('fault file', () => {
  it('has a list under faults as its only key', () => {
    const parsed = checkFaultFile(
      { faults: [{ probability: 0.1, fault: 'cut', deployment: 'chat' }] },
      'f.yaml',
      known,
    )
    expect(parsed.problems).toEqual([])
    expect(parsed.rules).toEqual([
      { label: 'cut', probability: 0.1, deployment: 'chat', fault: { kind: 'cut' } },
    ])
    expect(checkFaultFile({ fault: [] }, 'f.yaml').problems).toEqual([
      'f.yaml: fault is not a known key. The only key is faults.',
      'f.yaml: faults must be a list of faults (got nothing).',
    ])
  })

  it('is validated at start together with all other files', () => {
    const files: Record<string, string> = {
      '/d.yaml': 'chat: { model: gpt-4o, faults: [{ probability: -1, fault: cut }] }',
      '/f.yaml': 'faults: [{ probability: 2, fault: cut }]',
      '/i.yaml': 'phases: []',
    }
    const load = () =>
      loadConfig({
        flags: {},
        env: { OPENAI_DEPLOYMENT_CONFIG_PATH: 'd.yaml', FAULTS_PATH: 'f.yaml', INCIDENTS_PATH: 'i.yaml' },
        workingDirectory: '/',
        readFile: (path) => {
          if (files[path] !== undefined) return files[path]
          throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
        },
      })
    expect(load).toThrow('d.yaml: "chat".faults[0].probability must be a number from 0 to 1 (got -1)')
    expect(load).toThrow('f.yaml: faults[0].probability must be a number from 0 to 1 (got 2)')
    expect(load).toThrow('i.yaml: phases must have at least one phase')
    delete files['/f.yaml']
    expect(load).toThrow('FAULTS_PATH names a file that cannot be read: no such file.')
  })
})
