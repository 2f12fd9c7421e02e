import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { needs, runTool } from '../support/installed-tool.ts'

const bicep = needs('bicep')
const terraform = needs('terraform')
const folder = fileURLToPath(new URL('../../infra/container-apps', import.meta.url))
const read = (path: string): string => readFileSync(join(folder, path), 'utf8')

/** All matches of the first group of the pattern, sorted and unique. */
function names(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name]) => name ?? ''))].sort()
}

describe('Bicep', () => {
  const main = read('bicep/main.bicep')
  const modules = [...main.matchAll(/^module (\w+) '(.+?)'[^{[]*([{[]\n[\s\S]*?)\n[}\]]$/gm)].map(
    ([, name = '', path = '', body = '']) => ({ name, path, body }),
  )

  it.each(modules)('passes $path exactly the parameters that it declares', ({ path, body }) => {
    const passed = names(/params: \{\n([\s\S]*?)\n {2,4}\}/.exec(body)?.[1] ?? '', /^ {4,6}(\w+):/gm)
    const declared = [...read(`bicep/${path}`).matchAll(/^param (\w+) \S+( =)?/gm)]
    expect(passed).toEqual(declared.map(([, name = '']) => name).sort())
  })

  it('has a module for each file of modules/, and reads only outputs that exist', () => {
    expect(modules.map(({ path }) => path).sort()).toEqual(
      readdirSync(join(folder, 'bicep/modules'))
        .map((file) => `modules/${file}`)
        .sort(),
    )
    for (const { name, path } of modules) {
      const used = names(main, new RegExp(`\\b${name}!?\\.outputs\\.(\\w+)`, 'g'))
      expect(names(read(`bicep/${path}`), /^output (\w+)/gm)).toEqual(expect.arrayContaining(used))
    }
  })

  it('uses each parameter that it declares, and the parameter files set only declared parameters', () => {
    const files = ['main.bicep', ...modules.map(({ path }) => path)]
    const unused = files.flatMap((file) => {
      const text = read(`bicep/${file}`)
      return names(text, /^param (\w+)/gm)
        .filter((name) => (text.match(new RegExp(`\\b${name}\\b`, 'g')) ?? []).length < 2)
        .map((name) => `${file}: ${name}`)
    })
    expect(unused).toEqual([])
    for (const file of ['main.bicepparam', 'gateway.bicepparam']) {
      const set = names(read(`bicep/${file}`), /^param (\w+)/gm)
      expect(names(main, /^param (\w+)/gm)).toEqual(expect.arrayContaining(set))
    }
  })

  it('has the outputs and parameters that scripts/deploy-aca.sh uses', () => {
    const script = readFileSync(join(folder, '../../scripts/deploy-aca.sh'), 'utf8')
    const read = [...script.matchAll(/^read_outputs \S+ (.+)$/gm)].flatMap(([, list = '']) => list.split(' '))
    expect(names(main, /^output (\w+)/gm)).toEqual(expect.arrayContaining(read))
    const written = names(script, /^ {4}"(\w+)": \{ "value"/gm)
    expect(names(main, /^param (\w+)/gm)).toEqual(expect.arrayContaining(written))
    expect(written.length).toBeGreaterThan(8)
  })

  it.skipIf(bicep.isMissing)(`compiles with bicep without warnings${bicep.note}`, () => {
    const { status, stderr } = runTool('bicep', ['build', '--stdout', join(folder, 'bicep/main.bicep')])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})

describe('Terraform', () => {
  const files = readdirSync(join(folder, 'terraform')).filter((file) => file.endsWith('.tf'))
  const text = files.map((file) => read(`terraform/${file}`)).join('\n')
  const code = text.replaceAll(/^ *#.*$/gm, '')

  it('declares exactly the variables that it uses', () => {
    expect(names(code, /\bvar\.(\w+)/g)).toEqual(names(code, /^variable "(\w+)"/gm))
  })

  it('declares the variables that the examples set', () => {
    const examples = readdirSync(join(folder, 'terraform')).filter((file) => file.endsWith('.example'))
    for (const file of examples) {
      const set = names(read(`terraform/${file}`), /^(\w+) +=/gm)
      expect(names(code, /^variable "(\w+)"/gm)).toEqual(expect.arrayContaining(set))
    }
    expect(examples).toContain('gateway.tfvars.example')
  })

  it('defines each local and each resource that it refers to', () => {
    const locals = names(
      [...code.matchAll(/^locals \{\n([\s\S]*?)\n\}$/gm)].map(([, body]) => body).join('\n'),
      /^ {2}(\w+) += /gm,
    )
    expect(locals).toEqual(names(code, /\blocal\.(\w+)/g))
    const resources = names(code, /^resource ("\w+" "\w+")/gm).map((pair) =>
      pair.replaceAll('"', '').replace(' ', '.'),
    )
    const used = names(code, /(?<![\w.])((?:azurerm_\w+|time_sleep)\.\w+)/g)
    expect(resources).toEqual(expect.arrayContaining(used))
  })

  it('has the outputs, targets and variables that scripts/deploy-aca-terraform.sh uses', () => {
    const script = readFileSync(join(folder, '../../scripts/deploy-aca-terraform.sh'), 'utf8')
    expect(names(code, /^output "(\w+)"/gm)).toEqual(
      expect.arrayContaining(names(script, /^read_output (\w+)$/gm)),
    )
    for (const target of names(script, /-target=([\w.]+)/g)) {
      expect(code).toContain(`resource "${target.replace('.', '" "')}"`)
    }
    const written = names(script, /^ {2}"(\w+)": /gm)
    expect(names(code, /^variable "(\w+)"/gm)).toEqual(expect.arrayContaining(written))
    expect(written.length).toBeGreaterThan(8)
  })

  it('has a resource for each resource of Bicep', () => {
    const bicep = [
      'main.bicep',
      ...readdirSync(join(folder, 'bicep/modules')).map((file) => `modules/${file}`),
    ]
      .flatMap((file) => names(read(`bicep/${file}`), /^resource \w+ '([\w./]+)@[\d-]+' = /gm))
      .map((type) => counterparts[type] ?? `no counterpart of ${type}`)
    const terraform = names(code, /^resource "(\w+)"/gm)
    expect(terraform).toEqual(expect.arrayContaining([...new Set(bicep)]))
  })

  it.skipIf(terraform.isMissing)(`has the format of terraform fmt${terraform.note}`, () => {
    const { status, stdout } = runTool('terraform', [
      'fmt',
      '-check',
      '-recursive',
      join(folder, 'terraform'),
    ])
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
  })
})

/** Resource types of Bicep and their names in Terraform. */
const counterparts: Readonly<Record<string, string>> = {
  'Microsoft.App/containerApps': 'azurerm_container_app',
  'Microsoft.App/managedEnvironments': 'azurerm_container_app_environment',
  'Microsoft.App/managedEnvironments/storages': 'azurerm_container_app_environment_storage',
  'Microsoft.Authorization/roleAssignments': 'azurerm_role_assignment',
  'Microsoft.Cache/redisEnterprise': 'azurerm_managed_redis',
  'Microsoft.Cache/redisEnterprise/databases': 'azurerm_managed_redis',
  'Microsoft.ContainerRegistry/registries': 'azurerm_container_registry',
  'Microsoft.KeyVault/vaults': 'azurerm_key_vault',
  'Microsoft.KeyVault/vaults/secrets': 'azurerm_key_vault_secret',
  'Microsoft.ManagedIdentity/userAssignedIdentities': 'azurerm_user_assigned_identity',
  'Microsoft.OperationalInsights/workspaces': 'azurerm_log_analytics_workspace',
  'Microsoft.Storage/storageAccounts': 'azurerm_storage_account',
  // Terraform has no resource for the blob service itself.
  'Microsoft.Storage/storageAccounts/blobServices': 'azurerm_storage_account',
  'Microsoft.Storage/storageAccounts/blobServices/containers': 'azurerm_storage_container',
  'Microsoft.Storage/storageAccounts/fileServices': 'azurerm_storage_account',
  'Microsoft.Storage/storageAccounts/fileServices/shares': 'azurerm_storage_share',
}
