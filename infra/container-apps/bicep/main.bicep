// The simulator on Azure Container Apps. Deploy with scripts/deploy-aca.sh, or by hand (../../README.md).
//
// API versions are the latest stable ones of Azure/bicep-types-az (generated/<provider>/<version>/types.md) and of the
// @azure/arm-* packages of npm, as of November 2026: Microsoft.App 2025-07-01, Microsoft.Cache/redisEnterprise 2025-07-01,
// Microsoft.ContainerRegistry 2025-04-01, Microsoft.KeyVault 2026-02-01, Microsoft.ManagedIdentity 2024-11-30,
// Microsoft.OperationalInsights 2025-07-01, Microsoft.Storage 2025-01-01, Microsoft.Authorization 2022-04-01.
targetScope = 'resourceGroup'

@description('Prefix of all resource names: lower-case letters, digits and single dashes.')
@minLength(3)
@maxLength(16)
param name string = 'aoai-sim'

@description('Azure region of all resources.')
param location string = resourceGroup().location

@description('Whether to deploy the container app. False creates everything else, so that an image can be pushed first.')
param deployApp bool = true

@description('Repository and tag of the image in the registry of this template.')
param image string = 'aoai-simulated-api:latest'

@description('Settings of the simulator as environment variables (docs/config.md). Not for secrets. HOST and PORT cannot be changed.')
param environmentVariables object = {}

@description('Key of the clients. At least 16 characters, because the endpoint is public.')
@minLength(16)
@secure()
param simulatorApiKey string

@description('Separate admin key (/++/). Empty: the client key is used for both.')
@secure()
param simulatorAdminApiKey string = ''

@description('Token of the administrator of /_twin, for TWIN_PLANE=on. Empty: there is no administrator.')
@secure()
param twinAdminToken string = ''

@description('Key of the upstream service. Required if SIMULATOR_MODE is record or forward, a deployment has such a source, or REPLAY_ON_MISS is record.')
@secure()
param azureOpenAiKey string = ''

@description('Client secret of an application in Microsoft Entra ID, for UPSTREAM_CREDENTIAL=entra without the managed identity. Optional.')
@secure()
param upstreamClientSecret string = ''

@description('Key of a storage account with a blob in CONFIG_STORE. Optional: the managed identity needs no key.')
@secure()
param configStoreKey string = ''

@description('Further secrets by environment variable, such as { EAST_KEY: \'...\' }: the variables that the configuration file names.')
@secure()
param secrets object = {}

@description('Resource ids of Azure OpenAI or Foundry accounts. The identity of the app gets the role Cognitive Services OpenAI User there, for upstreams with the credential entra.')
param upstreamAccountIds array = []

@description('Whether changes at run time are kept in a blob of the storage account, which the app writes with its identity. Not with several replicas: they keep changes in Redis.')
param changesInBlob bool = false

@description('URL of an existing Redis or Valkey, with its password. Empty: deployRedis decides whether one is created.')
@secure()
param redisUrl string = ''

@description('Accepted for users of the Python simulator; docs/monitoring.md describes the replacement.')
@secure()
param applicationInsightsConnectionString string = ''

@description('Headers for the OTLP collector, such as a token. Optional.')
@secure()
param otlpHeaders string = ''

@description('Minimum number of replicas. With 0 the app stops when idle, and the first request waits for a start.')
@minValue(0)
@maxValue(1000)
param minReplicas int = 1

@description('Maximum number of replicas. Without a Redis, several replicas have separate rate limits.')
@minValue(1)
@maxValue(1000)
param maxReplicas int = 1

@description('Concurrent requests for each replica, above which another one is started.')
@minValue(1)
param concurrentRequests int = 200

@description('Cores of a replica, as a string because Bicep has no fractions. Memory in GiB must be twice that.')
@allowed(['0.25', '0.5', '0.75', '1.0', '1.25', '1.5', '1.75', '2.0', '2.5', '3.0', '3.5', '4.0'])
param cpu string = '1.0'

@description('Memory of a replica.')
param memory string = '2Gi'

@description('Whether to create an Azure Managed Redis. Default: if several replicas are possible and redisUrl is empty.')
param deployRedis bool = maxReplicas > 1 && empty(redisUrl)

@description('Size of the Azure Managed Redis.')
param redisSku string = 'Balanced_B0'

@description('Size of the file share, in GiB.')
@minValue(1)
@maxValue(102400)
param shareQuotaGiB int = 5

@description('Retention of logs in days.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Tags of all resources.')
param tags object = {}

var suffix = uniqueString(resourceGroup().id)
var compactName = replace(name, '-', '')
var mountPath = '/mnt/simulator'

var secretNames = concat(
  [{ name: 'simulator-api-key', variable: 'SIMULATOR_API_KEY' }],
  empty(simulatorAdminApiKey) ? [] : [{ name: 'simulator-admin-api-key', variable: 'ADMIN_API_KEY' }],
  empty(twinAdminToken) ? [] : [{ name: 'twin-admin-token', variable: 'TWIN_ADMIN_TOKEN' }],
  empty(azureOpenAiKey) ? [] : [{ name: 'azure-openai-key', variable: 'AZURE_OPENAI_KEY' }],
  deployRedis || !empty(redisUrl) ? [{ name: 'redis-url', variable: 'REDIS_URL' }] : [],
  empty(upstreamClientSecret) ? [] : [{ name: 'upstream-client-secret', variable: 'UPSTREAM_CLIENT_SECRET' }],
  empty(configStoreKey) ? [] : [{ name: 'config-store-key', variable: 'CONFIG_STORE_KEY' }],
  map(items(secrets), secret => { name: toLower(replace(secret.key, '_', '-')), variable: secret.key }),
  empty(otlpHeaders) ? [] : [{ name: 'otlp-headers', variable: 'OTEL_EXPORTER_OTLP_HEADERS' }],
  empty(applicationInsightsConnectionString)
    ? []
    : [{ name: 'applicationinsights-connection-string', variable: 'APPLICATIONINSIGHTS_CONNECTION_STRING' }]
)

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${name}-identity'
  location: location
  tags: tags
}

module registry 'modules/registry.bicep' = {
  name: '${name}-registry'
  params: {
    name: '${compactName}${suffix}'
    location: location
    tags: tags
    pullerPrincipalId: identity.properties.principalId
  }
}

module vault 'modules/vault.bicep' = {
  name: '${name}-vault'
  params: {
    // 24 characters at most.
    name: '${take(compactName, 10)}-${suffix}'
    location: location
    tags: tags
    readerPrincipalId: identity.properties.principalId
    simulatorApiKey: simulatorApiKey
    simulatorAdminApiKey: simulatorAdminApiKey
    twinAdminToken: twinAdminToken
    azureOpenAiKey: azureOpenAiKey
    upstreamClientSecret: upstreamClientSecret
    configStoreKey: configStoreKey
    secrets: secrets
    redisUrl: redisUrl
    otlpHeaders: otlpHeaders
    applicationInsightsConnectionString: applicationInsightsConnectionString
  }
}

module upstreamAccess 'modules/openai-user.bicep' = [
  for (id, index) in upstreamAccountIds: {
    name: '${name}-upstream-${index}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      accountName: last(split(id, '/'))
      principalId: identity.properties.principalId
    }
  }
]

module redis 'modules/redis.bicep' = if (deployRedis) {
  name: '${name}-redis'
  params: {
    name: '${name}-${suffix}'
    location: location
    tags: tags
    skuName: redisSku
    vaultName: vault.outputs.name
  }
}

module storage 'modules/storage.bicep' = {
  name: '${name}-storage'
  params: {
    // 24 characters at most, no dashes.
    name: '${take(compactName, 11)}${suffix}'
    location: location
    tags: tags
    shareName: 'simulator'
    shareQuotaGiB: shareQuotaGiB
    changesInBlob: changesInBlob
    writerPrincipalId: identity.properties.principalId
  }
}

module environment 'modules/environment.bicep' = {
  name: '${name}-environment'
  params: {
    name: name
    location: location
    tags: tags
    logRetentionDays: logRetentionDays
    storageAccountName: storage.outputs.accountName
    shareName: storage.outputs.shareName
  }
}

module app 'modules/app.bicep' = if (deployApp) {
  name: '${name}-app'
  params: {
    name: name
    location: location
    tags: tags
    environmentId: environment.outputs.id
    storageName: environment.outputs.storageName
    mountPath: mountPath
    identityId: identity.id
    identityClientId: identity.properties.clientId
    registryServer: registry.outputs.loginServer
    image: '${registry.outputs.loginServer}/${image}'
    vaultUri: vault.outputs.uri
    secretNames: secretNames
    environmentVariables: environmentVariables
    changesAddress: storage.outputs.changesAddress
    minReplicas: minReplicas
    maxReplicas: maxReplicas
    concurrentRequests: concurrentRequests
    cpu: cpu
    memory: memory
  }
  dependsOn: [redis]
}

@description('Name of the registry, for az acr build.')
output registryName string = registry.outputs.name

@description('Name of the vault, for az keyvault secret set.')
output vaultName string = vault.outputs.name

@description('Name of the storage account, for az storage file upload.')
output storageAccountName string = storage.outputs.accountName

@description('Name of the file share that is mounted at /mnt/simulator.')
output shareName string = storage.outputs.shareName

@description('URL of the simulator. Empty if the app is not deployed.')
output url string = deployApp ? app!.outputs.url : ''
