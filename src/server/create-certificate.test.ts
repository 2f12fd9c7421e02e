import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createCertificate, parseCertificateHost } from './create-certificate.ts'

describe('createCertificate', () => {
  it('creates a self-signed certificate of a server for names and addresses', async () => {
    const validToMs = Date.UTC(2030, 0, 2)
    const { cert, key } = await createCertificate(['localhost', '*.sim.test', '127.0.0.1', '::1'], validToMs)
    const certificate = new X509Certificate(cert)
    expect(certificate.ca).toBe(false)
    expect(certificate.subject).toBe(certificate.issuer)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(Date.parse(certificate.validTo)).toBe(validToMs)
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    for (const host of ['localhost', 'a.sim.test']) expect(certificate.checkHost(host)).toBeDefined()
    for (const address of ['127.0.0.1', '::1']) expect(certificate.checkIP(address)).toBeDefined()
    expect(certificate.checkHost('sim.test')).toBeUndefined()
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    const forms = ['::', '1::', '::1:2', '1:0:0:2::3', '1:2:3:4:5:6:7:8', '::ffff:10.0.0.5']
    const addresses = forms.map((form) => parseCertificateHost(form) ?? '')
    const ofAddresses = new X509Certificate((await createCertificate(addresses, validToMs)).cert)
    for (const address of forms) expect(ofAddresses.checkIP(address)).toBeDefined()
    const other = await createCertificate(['localhost'], validToMs)
    expect(new X509Certificate(other.cert).serialNumber).not.toBe(certificate.serialNumber)
  })
})

describe('parseCertificateHost', () => {
  it.each([
    ['Sim.Example.com', 'sim.example.com'],
    ['*.example.com', '*.example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['10.0.0.5', '10.0.0.5'],
    ['[fd00::5]', 'fd00::5'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::ffff:10.0.0.5', '::ffff:a00:5'],
    ['simulator', 'simulator'],
  ])('accepts %s', (text, host) => {
    expect(parseCertificateHost(text)).toBe(host)
  })

  it.each([
    '',
    'a b',
    'a..b',
    '-a',
    'http://a',
    'a:8000',
    '10.0.0.256',
    '1.2.3',
    '*',
    'a.*',
    'fe80::1%eth0',
    'x'.repeat(64),
  ])('refuses "%s"', (text) => {
    expect(parseCertificateHost(text)).toBeUndefined()
  })
})
