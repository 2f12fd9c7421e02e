// The key vault with all secrets. The app reads them with its identity; the template has only references.

param name string
param location string
param tags object
param readerPrincipalId string

@secure()
param simulatorApiKey string

@secure()
param simulatorAdminApiKey string

@secure()
param twinAdminToken string

@secure()
param azureOpenAiKey string

@secure()
param upstreamClientSecret string

@secure()
param configStoreKey string

@description('Further secrets by environment variable.')
@secure()
param secrets object

@secure()
param redisUrl string

@secure()
param applicationInsightsConnectionString string

@secure()
param otlpHeaders string

// Key Vault Secrets User: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles#key-vault-secrets-user
var secretsUserRoleId = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    // The minimum. The name of a deleted vault is reserved for this time, unless it is purged.
    softDeleteRetentionInDays: 7
  }
}

resource readSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, readerPrincipalId, secretsUserRoleId)
  scope: vault
  properties: {
    principalId: readerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUserRoleId)
  }
}

resource simulatorApiKeySecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {
  parent: vault
  name: 'simulator-api-key'
  properties: {
    value: simulatorApiKey
  }
}

resource simulatorAdminApiKeySecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(simulatorAdminApiKey)) {
  parent: vault
  name: 'simulator-admin-api-key'
  properties: {
    value: simulatorAdminApiKey
  }
}

resource twinAdminTokenSecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(twinAdminToken)) {
  parent: vault
  name: 'twin-admin-token'
  properties: {
    value: twinAdminToken
  }
}

resource azureOpenAiKeySecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(azureOpenAiKey)) {
  parent: vault
  name: 'azure-openai-key'
  properties: {
    value: azureOpenAiKey
  }
}

resource upstreamClientSecretSecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(upstreamClientSecret)) {
  parent: vault
  name: 'upstream-client-secret'
  properties: {
    value: upstreamClientSecret
  }
}

resource configStoreKeySecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(configStoreKey)) {
  parent: vault
  name: 'config-store-key'
  properties: {
    value: configStoreKey
  }
}

resource furtherSecrets 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = [
  for secret in items(secrets): {
    parent: vault
    name: toLower(replace(secret.key, '_', '-'))
    properties: {
      value: secret.value
    }
  }
]

resource redisUrlSecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(redisUrl)) {
  parent: vault
  name: 'redis-url'
  properties: {
    value: redisUrl
  }
}

resource otlpHeadersSecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(otlpHeaders)) {
  parent: vault
  name: 'otlp-headers'
  properties: {
    value: otlpHeaders
  }
}

resource applicationInsightsConnectionStringSecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(applicationInsightsConnectionString)) {
  parent: vault
  name: 'applicationinsights-connection-string'
  properties: {
    value: applicationInsightsConnectionString
  }
}

output name string = vault.name
output uri string = vault.properties.vaultUri
