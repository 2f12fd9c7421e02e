import { expect, test } from 'vitest'
import { replayCase } from '../../bench/cases.ts'
import { makeQuestions, makeTexts } from '../../bench/prompts.ts'
import { soakKinds } from '../../bench/soak-kinds.ts'

test('questions differ, and none is part of another', () => {
  const questions = makeQuestions(1_000)
  expect(new Set(questions).size).toBe(1_000)
  expect(new Set(questions.map((question) => question.length)).size).toBe(1)
  expect(questions).not.toEqual(questions.toSorted())
})

test('texts are the same in every run', () => {
  expect(makeTexts(3)).toEqual(makeTexts(5).slice(0, 3))
})

test('a replayed request is one of the recorded ones', () => {
  const { numbered, replay, prefix, suffix, texts } = replayCase(10)
  expect({ numbered, replay, texts: texts.length }).toEqual({ numbered: false, replay: true, texts: 10 })
  expect(JSON.parse(prefix + texts[0] + suffix)).toMatchObject({ messages: [{}, { content: texts[0] }] })
})

test('the shares of the mixed load are 1 together', () => {
  expect(soakKinds.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
})
