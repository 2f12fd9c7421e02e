import { describe, expect, it } from 'vitest'
import { leastMs } from '../../tests/support/machine-speed.ts'
import { parseMultipart } from './multipart.ts'

const encode = async (form: FormData): Promise<{ body: Buffer; type: string }> => {
  const response = new Response(form)
  const type = response.headers.get('content-type') ?? ''
  return { body: Buffer.from(await response.arrayBuffer()), type }
}

const lines = (...text: string[]): Buffer => Buffer.from(text.join('\r\n'), 'latin1')

describe('parseMultipart', () => {
  it('returns the texts and files of a form that FormData wrote', async () => {
    const form = new FormData()
    form.append('model', 'whisper')
    form.append('prompt', 'Grüße, "Welt"\r\n--x')
    form.append('tags[]', 'a')
    form.append('tags[]', 'b')
    form.append('file', new Blob([Uint8Array.from([0, 13, 10, 45, 45, 255])]), 'a "b".wav')
    form.append('empty', new Blob([]), 'empty.wav')
    const { body, type } = await encode(form)
    const parsed = parseMultipart(body, type)!
    expect(parsed.text('model')).toBe('whisper')
    expect(parsed.text('prompt')).toBe('Grüße, "Welt"\r\n--x')
    expect(parsed.texts('tags[]')).toEqual(['a', 'b'])
    expect(parsed.file('file')).toEqual({
      name: 'a "b".wav',
      bytes: Buffer.from([0, 13, 10, 45, 45, 255]),
      type: 'application/octet-stream',
    })
    expect(parsed.files('file')).toEqual([parsed.file('file')])
    expect(parsed.files('model')).toEqual([])
    expect(parsed.fields.map(({ name, value }) => `${name}=${value}`)).toEqual([
      'model=whisper',
      'prompt=Grüße, "Welt"\r\n--x',
      'tags[]=a',
      'tags[]=b',
    ])
    expect(parsed.file('empty')?.bytes).toHaveLength(0)
    expect(parsed.text('file')).toBeUndefined()
    expect(parsed.file('model')).toBeUndefined()
    expect(parsed.text('other')).toBeUndefined()
  })

  it('accepts a quoted boundary, a preamble, unquoted and encoded names', () => {
    const body = lines(
      'preamble',
      '--b 1',
      'content-type: audio/wav',
      "content-disposition: form-data; name=file; filename*=UTF-8''%C3%BC.wav",
      '',
      'DATA',
      '--b 1--',
      'epilogue',
    )
    const parsed = parseMultipart(body, 'Multipart/Form-Data; charset=x; boundary="b 1"')
    expect(parsed?.file('file')).toEqual({
      name: 'ü.wav',
      bytes: Buffer.from('DATA'),
      type: 'audio/wav',
    })
  })

  it.each([
    ['no content type', lines('--b--'), undefined],
    ['another content type', lines('--b--'), 'application/json'],
    ['no boundary', lines('--b--'), 'multipart/form-data'],
    ['another boundary', lines('--c--'), 'multipart/form-data; boundary=b'],
    ['an empty body', lines(''), 'multipart/form-data; boundary=b'],
    [
      'no end',
      lines('--b', 'content-disposition: form-data; name="a"', '', 'x'),
      'multipart/form-data; boundary=b',
    ],
    [
      'headers without an end',
      lines('--b', 'content-disposition: form-data; name="a"'),
      'multipart/form-data; boundary=b',
    ],
  ])('returns undefined for %s', (_, body, type) => {
    expect(parseMultipart(body, type)).toBeUndefined()
  })

  it('limits the number of parts', () => {
    const part = ['--b', 'content-disposition: form-data; name="a"', '', 'x']
    const body = lines(...Array.from({ length: 201 }, () => part).flat(), '--b--')
    expect(parseMultipart(body, 'multipart/form-data; boundary=b')).toBeUndefined()
  })

  it('counts unnamed parts towards the limit', () => {
    const named = ['--b', 'content-disposition: form-data; name="a"', '', 'x']
    const formOf = (unnamed: number): Buffer =>
      lines(...Array.from({ length: unnamed }, () => ['--b', '', '']).flat(), ...named, '--b--')
    expect(parseMultipart(formOf(199), 'multipart/form-data; boundary=b')?.text('a')).toBe('x')
    expect(parseMultipart(formOf(200), 'multipart/form-data; boundary=b')).toBeUndefined()
  })

  it('parses an upload of 25 MB in less than 500 ms', async () => {
    const form = new FormData()
    form.append('file', new Blob([Buffer.alloc(25 * 1024 * 1024, 45)]), 'a.wav')
    const { body, type } = await encode(form)
    const read = (): void => {
      expect(parseMultipart(body, type)?.file('file')?.bytes).toHaveLength(25 * 1024 * 1024)
    }
    expect(await leastMs(500, read)).toBeLessThan(500)
  })
})
