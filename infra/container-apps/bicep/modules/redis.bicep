// Redis for rate limits that several replicas share.
//
// Azure Managed Redis, because Azure Cache for Redis retires (Enterprise on 2027-03-31, Basic to Premium on 2028-09-30) and
// new customers cannot create one since 2026-04-01:
// https://learn.microsoft.com/azure/azure-cache-for-redis/retirement-faq

param name string
param location string
param tags object
param skuName string
param vaultName string

resource redis 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: skuName
  }
  properties: {
    // No replica: it would double the price, and the data is only counters of the last minute.
    highAvailability: 'Disabled'
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: redis
  name: 'default'
  properties: {
    accessKeysAuthentication: 'Enabled'
    clientProtocol: 'Encrypted'
    // One endpoint for all keys: the client does not follow cluster redirects.
    clusteringPolicy: 'NoCluster'
    evictionPolicy: 'VolatileLRU'
    port: 10000
  }
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

// The key is written to the vault here and is not an output of any module.
resource redisUrlSecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {
  parent: vault
  name: 'redis-url'
  properties: {
    value: 'rediss://:${uriComponent(database.listKeys().primaryKey)}@${redis.properties.hostName}:${database.properties.port}'
  }
}
