/** A prompt of some hundred tokens, which load tests repeat. */
export const repeatedPrompt =
  'You are given the notes of a meeting. Write a short summary for a colleague who was not there: what was decided, ' +
  'who does what until when, and which questions stay open. Keep to the words of the notes where you can, leave out ' +
  'small talk, and do not guess. The notes: the team looked at the plan for the next quarter, agreed to move the ' +
  'launch by two weeks, and asked for numbers on support cost before the end of the month.'

const words =
  'time year people way day man thing woman life child world school state family student group country problem hand part place case week company system program question work government number night point home water room mother area money story fact month lot right study book eye job word business issue side kind head house service friend father power hour game line end member law car city community name president team minute idea body information back parent face others level office door health person art war history party result change morning reason research girl guy moment air teacher force education'.split(
    ' ',
  )

/** Returns text with about `count` tokens, for servers with fixed answers. */
export const textOf = (count: number): string =>
  Array.from({ length: count }, (_, index) => words[index % words.length]).join(' ')

/** Returns texts of 80 words each, the same in every run. A unique number before each text makes every prompt new. */
export function makeTexts(count: number): string[] {
  const next = createDraw()
  const word = () => words[next() % words.length] ?? ''
  return Array.from({ length: count }, () => Array.from({ length: 80 }, word).join(' '))
}

/** Returns distinct questions of equal length in shuffled order. None contains another one. */
export function makeQuestions(count: number): string[] {
  const questions = Array.from({ length: count }, (_, index) => `question ${String(index).padStart(7, '0')}`)
  const next = createDraw()
  for (let last = count - 1; last > 0; last -= 1) {
    const other = next() % (last + 1)
    const moved = questions[last] ?? ''
    questions[last] = questions[other] ?? ''
    questions[other] = moved
  }
  return questions
}

/** Lehmer generator with the factor of Park and Miller. */
function createDraw(): () => number {
  let state = 1
  return () => (state = (state * 48_271) % 2_147_483_647)
}
