// The file share for recordings and configuration files, and the container for changes at run time.

param name string
param location string
param tags object
param shareName string
param shareQuotaGiB int

@description('Whether to create a container for changes at run time (CONFIG_STORE).')
param changesInBlob bool

@description('Principal that can read and write blobs in this container.')
param writerPrincipalId string

// Storage Blob Data Contributor: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles#storage-blob-data-contributor
var blobContributorRoleId = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    allowBlobPublicAccess: false
    // Container Apps can mount SMB shares only with the account key:
    // https://learn.microsoft.com/azure/container-apps/storage-mounts-azure-files
    allowSharedKeyAccess: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource files 'Microsoft.Storage/storageAccounts/fileServices@2025-01-01' = {
  parent: account
  name: 'default'
}

resource share 'Microsoft.Storage/storageAccounts/fileServices/shares@2025-01-01' = {
  parent: files
  name: shareName
  properties: {
    enabledProtocols: 'SMB'
    shareQuota: shareQuotaGiB
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = if (changesInBlob) {
  parent: account
  name: 'default'
}

resource changes 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = if (changesInBlob) {
  parent: blobs
  name: 'simulator'
}

resource writeChanges 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (changesInBlob) {
  name: guid(changes.id, writerPrincipalId, blobContributorRoleId)
  scope: changes
  properties: {
    principalId: writerPrincipalId
    // Required: without it, the assignment can fail while the new identity is being replicated.
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobContributorRoleId)
  }
}

@description('Address of the blob with changes at run time. Empty without a container.')
output changesAddress string = changesInBlob ? '${account.properties.primaryEndpoints.blob}simulator/changes.json' : ''
output accountName string = account.name
output shareName string = share.name
