import { describe, expect, it } from 'vitest'
import { normalizerNames } from '../config/recording-settings.ts'
import { leastMs } from '../../tests/support/machine-speed.ts'
import { isUnixTime, normalizeText } from './normalize-text.ts'

const all = new Set(normalizerNames)
const normalize = (text: string): string => normalizeText(text, all, () => '<id>')

describe('normalizeText', () => {
  it.each([
    '2026-11-30T06:49:38Z',
    '2026-11-30T06:49:38.123456+00:00',
    '2026-11-30 06:49:38,123',
    '2026-11-30 06:49',
    '2026-11-30T06-49-38',
    '20261130T064938Z',
    '20261130_064938',
    '2026-11-30',
    '2026-11-30 (Monday)',
    'Monday, 2026-11-30',
    'Mon 2026-11-30 06:49:38',
    '2026/11/30',
    '11/30/2026, 6:49:38 AM',
    '30.11.2026 06:49',
    'Monday, November 30, 2026',
    'Monday, November 30, 2026 at 6:49 AM',
    'November 30th, 2026',
    '30 November 2026',
    'Mon, 30 Nov 2026 06:49:38 GMT',
    'Mon Nov 30 06:49:38 UTC 2026',
    'Mon Nov 30 2026 06:49:38 GMT+0100',
    '30-Nov-2026 06:49:38',
    '06:49:38.123',
    '6:49:38 PM',
    '1796021378',
    '1796021378.123456',
    '1796021378123',
  ])('replaces the time %s', (time) => {
    expect(normalize(`It is ${time} now`)).toBe('It is <time> now')
    expect(normalize(`"${time}"`)).toBe('"<time>"')
  })

  it('replaces a Unix time in a name', () =>
    expect(normalize('report_1796021378.log')).toBe('report_<time>.log'))

  it.each([
    'gpt-4o-2024-08-06',
    'o3-mini-2025-01-31',
    'flights on May 5',
    'a meeting at 10:30',
    'version 1.2.3',
    '1234567890',
    '12345678901234567890',
    'March 12 people',
    '1:2:3',
    '2026',
    'call 1600 numbers',
  ])('keeps %s, which is not a time', (text) => expect(normalize(text)).toBe(text))

  it.each([
    'call_9hIMu2WcHxNoKLLJvGcjWHkN',
    'chatcmpl-BeLkq1h3J8tYwz0aVbCdEf',
    'resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b',
    'msg_67ccd2bf17f0819081ff3bb2cf6508e60bb6a6b452d3795b',
    'toolu_01A09q90qw90lq917835lq9',
    'fc_abc12345',
    'run_9hIMu2WcHxNoKLLJvGcjWHkN',
    '0b54ab9c-6d07-4c69-9b3e-0f1d2e3c4b5a',
    '0B54AB9C-6D07-4C69-9B3E-0F1D2E3C4B5A',
    '0b54ab9c6d074c699b3e0f1d2e3c4b5a',
    '507f1f77bcf86cd799439011',
    '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    'order_7fK2mP9xQ4vR8sT1wY6z',
  ])('replaces the id %s', (id) => expect(normalize(`for ${id}.`)).toBe('for <id>.'))

  it.each([
    'call_me',
    'call_getweather',
    'run_tests',
    'task_sendConfirmationMail',
    'item_12345678',
    'run_20261201',
    'get_current_weather',
    'msg_type',
    'step_by_step',
    'deadbeef',
  ])('keeps %s, which is not an id', (text) => expect(normalize(text)).toBe(text))

  it('replaces MIME boundaries and addresses of this machine', () => {
    const form = (boundary: string): string =>
      `Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\n--${boundary}\r\nabc\r\n--${boundary}--`
    expect(normalize(form('k3J9sLq0'))).toBe(normalize(form('x7-Yz12abc')))
    expect(normalize('------WebKitFormBoundary7MA4YWxkTrZu0gW\r\n')).toBe('<boundary>\r\n')
    expect(normalize('===============1234567890123456789==')).toBe('<boundary>')
    expect(normalize('GET http://127.0.0.1:43817/a and localhost:8080/b')).toBe(
      'GET <local-url>/a and <local-url>/b',
    )
    expect(normalize('See http://localhost:8080.')).toBe('See <local-url>.')
    expect(normalize('06:49:38: started')).toBe('<time>: started')
    expect(normalize('https://example.com:8080 on localhost')).toBe('https://example.com:8080 on localhost')
  })

  it('replaces only what is named', () => {
    const text = '2026-11-30 call_9hIMu2WcHxNoKLLJvGcjWHkN http://localhost:1'
    expect(normalizeText(text, new Set(['ids']), () => '<id>')).toBe('2026-11-30 <id> http://localhost:1')
    expect(normalizeText(text, new Set(), () => '<id>')).toBe(text)
  })

  it.each([
    ['digits', '1'],
    ['hexadecimal digits', 'a1'],
    ['dashes', '-'],
    ['underscores', 'call_'],
    ['dates', '2026-11-30 '],
    ['months', 'Mon, May '],
    ['boundaries', 'boundary='],
    ['boundary lines', '\n--a1'],
    ['equals signs', '='],
    ['colons', '12:'],
    ['addresses', 'http://127.'],
    ['spaces', ' '],
  ])('takes linear time for many %s', async (_, unit) => {
    const text = unit.repeat(Math.ceil(1_000_000 / unit.length))
    expect(await leastMs(2_000, async () => void normalize(text))).toBeLessThan(2_000)
  })
})

describe('isUnixTime', () => {
  it.each([1_796_021_378, 1_796_021_378.5, 1_796_021_378_123])('accepts %d', (value) =>
    expect(isUnixTime(value)).toBe(true),
  )
  it.each([0, -1, 4096, 1_234_567, 9_999_999_999, Number.NaN])('rejects %d', (value) =>
    expect(isUnixTime(value)).toBe(false),
  )
})
