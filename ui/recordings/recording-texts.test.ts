import { describe, expect, it } from 'vitest'
import type { RecordingFolderJson } from '../../src/server/admin/recording-schemas.ts'
import {
  fileInFolder,
  folderSentence,
  hitRate,
  locationText,
  recordedSentence,
  shortFolder,
  splitDifference,
} from './recording-texts.ts'

const folder: RecordingFolderJson = {
  id: 'a',
  folder: '/work/recordings',
  resources: ['default'],
  replays: true,
  records: false,
  interactions: 10,
  hits: 0,
  misses: 0,
  unused: 10,
  recorded: 0,
  pending: 0,
  lost: 0,
  writing: 'ok',
}

describe('a file', () => {
  it('is shown below its folder, and other files with their whole path', () => {
    expect(fileInFolder('/work/recordings/a/b.yaml', '/work/recordings')).toBe('a/b.yaml')
    expect(fileInFolder('/work/recordings2/b.yaml', '/work/recordings')).toBe('/work/recordings2/b.yaml')
    expect(fileInFolder('/x/b.yaml', undefined)).toBe('/x/b.yaml')
  })

  it('has a line if it is known', () => {
    expect([locationText('a.yaml', 3), locationText('a.yaml', null)]).toEqual(['a.yaml:3', 'a.yaml'])
  })
})

describe('a folder', () => {
  it('is named by its last two parts', () => {
    expect(['/recordings', '/a/b', '/a/b/c'].map(shortFolder)).toEqual(['/recordings', '/a/b', '…/b/c'])
  })

  it('has a sentence about its use', () => {
    expect(folderSentence(folder)).toBe('No request yet.')
    expect(folderSentence({ ...folder, hits: 3, misses: 1 })).toMatch(/^3 of 4 requests .* \(75.%\)\.$/)
    expect(folderSentence({ ...folder, hits: 1, unused: 9 })).toBe(
      'All 1 request had a recording. 9 of 10 recordings are unused.',
    )
    expect(folderSentence({ ...folder, hits: 20, unused: 0 })).toBe('All 20 requests had a recording.')
    expect(folderSentence({ ...folder, replays: false, recorded: 2 })).toBe(
      '2 answers recorded since the start.',
    )
    expect([hitRate(folder), hitRate({ hits: 1, misses: 3 })]).toEqual([undefined, 0.25])
  })
})

describe('a recorded request', () => {
  it('has a sentence with status and file', () => {
    const recorded = {
      request_id: 'x',
      status: 200,
      streamed: false,
      duration_ms: 1,
      file: 'a.yaml',
      line: 2,
    }
    expect(recordedSentence({ ...recorded, upstream: 'east' })).toBe(
      'The upstream “east” answered 200. The answer is in a.yaml:2.',
    )
    expect(recordedSentence({ ...recorded, upstream: null })).toMatch(/^The upstream answered/)
  })
})

describe('a difference', () => {
  it.each([
    ['"Hello"', '"Hallo"', 'e', 'a'],
    ['abc', 'abc', '', ''],
    ['', 'x', '', 'x'],
    ['aaa', 'aa', 'a', ''],
    ['x', 'y', 'x', 'y'],
    ['a😀b', 'a😎b', '😀', '😎'],
  ])('of %s and %s is where they differ', (one, other, left, right) => {
    const [first, second] = splitDifference(one, other)
    expect([first.different, second.different]).toEqual([left, right])
    expect(first.before + first.different + first.after).toBe(one)
    expect(second.before + second.different + second.after).toBe(other)
  })
})
