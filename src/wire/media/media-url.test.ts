import { describe, expect, it } from 'vitest'
import { leastMs } from '../../../tests/support/machine-speed.ts'
import { pictureUrlProblem as problemOf } from './media-url.ts'

const limit = 20 * 1024 * 1024
const pictureUrlProblem = (address: string) => problemOf(address, limit)

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
const jpegStart = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 1, 0xff, 0xc2, 0, 17, 8, 0, 8, 0, 8, 3]
const jpeg = Buffer.from([...jpegStart, ...Array<number>(40).fill(0)])
const url = (bytes: Buffer, type = 'image/png'): string => `data:${type};base64,${bytes.toString('base64')}`
const gotOf = (text: string) => ({ kind: 'data-url', got: text })

describe('URL of a picture', () => {
  it.each([
    'https://example.com/cat.png',
    'http://localhost:8000/a b.png?x=1',
    'HTTPS://EXAMPLE.COM/',
    url(png),
    url(gif, 'image/gif'),
    url(jpeg, 'image/jpeg'),
    url(jpeg, 'image/jpg'),
    // The service reads the type from the data.
    url(jpeg, 'image/png'),
    url(png, 'IMAGE/PNG'),
    url(png, 'image/png;charset=utf-8'),
    `${url(png)}\n`,
    `data:image/png;base64,${png.toString('base64').replace(/(.{40})/g, '$1\n')}`,
  ])('is accepted: %j', (address) => {
    expect(pictureUrlProblem(address)).toBeUndefined()
  })

  it.each([
    ['/home/me/cat.png'],
    ['cat.png'],
    ['file:///home/me/cat.png'],
    ['C:\\cat.png'],
    ['ftp://example.com/cat.png'],
    ['https://'],
    ['https:///cat.png'],
    ['http://[broken'],
    [''],
    [png.toString('base64')],
  ])('must have one of three schemes: %j', (address) => {
    expect(pictureUrlProblem(address)).toEqual({ kind: 'address' })
  })

  it.each([
    ['data:image/png,x', gotOf("a value without the ';base64' separator.")],
    ['data:', gotOf("a value without the ';base64' separator.")],
    ['data:image/png;base64', gotOf("a value without the ';base64' separator.")],
    [url(png, 'application/pdf'), gotOf("unsupported MIME type 'application/pdf'.")],
    [url(png, 'image/bmp'), gotOf("unsupported MIME type 'image/bmp'.")],
    [url(png, ''), gotOf("unsupported MIME type ''.")],
    ['data:image/png;base64,', gotOf('empty base64-encoded bytes.')],
    ['data:image/png;base64,hello', gotOf('an invalid base64-encoded value.')],
    ['data:image/png;base64,%%%%', gotOf('an invalid base64-encoded value.')],
    ['data:image/png;base64,aGVsbG8', gotOf('an invalid base64-encoded value.')],
    ['data:image/png;base64,a=GVsbG8=', gotOf('an invalid base64-encoded value.')],
  ])('must contain base64 of a picture type: %j', (address, problem) => {
    expect(pictureUrlProblem(address)).toEqual(problem)
  })

  it.each([
    ['text', Buffer.from('hello')],
    ['a signature without a header', png.subarray(0, 8)],
    ['a PNG without width', Buffer.concat([png.subarray(0, 16), Buffer.alloc(4), png.subarray(20)])],
    ['a GIF without a version', Buffer.concat([Buffer.from('GIF00a'), gif.subarray(6)])],
    ['a JPEG without a frame', Buffer.concat([jpeg.subarray(0, 8), Buffer.alloc(100)])],
    ['RIFF of another type', Buffer.concat([Buffer.from('RIFF____WAVEfmt '), Buffer.alloc(40)])],
    ['a bitmap', Buffer.concat([Buffer.from('BM'), Buffer.alloc(100)])],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>')],
  ])('must be a picture, not %s', (_, bytes) => {
    expect(pictureUrlProblem(url(bytes))).toEqual({ kind: 'picture' })
  })

  it('must have at most the given size', () => {
    const ofSize = (size: number): string => url(Buffer.concat([png, Buffer.alloc(size - png.length)]))
    expect(pictureUrlProblem(ofSize(limit - 3))).toBeUndefined()
    expect(pictureUrlProblem(ofSize(limit + 3))).toEqual({ kind: 'too-large' })
  })

  it.each([
    ['base64', (size: number) => url(Buffer.concat([png, Buffer.alloc(size)]))],
    ['padding', (size: number) => `data:image/png;base64,${'='.repeat(size)}`],
    ['line breaks', (size: number) => `data:image/png;base64,${'\n'.repeat(size)}!`],
    ['commas', (size: number) => `data:image/png;base64${','.repeat(size)}`],
    ['parameters', (size: number) => `data:image/png${';'.repeat(size)}`],
    ['an address', (size: number) => `https://${'a'.repeat(size)}`],
  ])('with ten million characters of %s is checked in less than 100 ms', async (_, make) => {
    const address = make(10_000_000)
    expect(await leastMs(100, () => void pictureUrlProblem(address))).toBeLessThan(100)
  })
})
