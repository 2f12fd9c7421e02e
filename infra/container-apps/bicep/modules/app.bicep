// The container app: one active revision, public HTTPS ingress.

param name string
param location string
param tags object
param environmentId string
param storageName string
param mountPath string
param identityId string
param identityClientId string
param registryServer string
param image string
param vaultUri string

@description('Secrets in the vault and their environment variables: { name, variable }.')
param secretNames array

param environmentVariables object

@description('Address of the blob that keeps changes at run time. Empty: none.')
param changesAddress string
param minReplicas int
param maxReplicas int
param concurrentRequests int
param cpu string
param memory string

var port = 8000
var healthPath = '/healthz'

// Later values override earlier ones, so that HOST and PORT always match the ingress. AZURE_CLIENT_ID selects the identity for
// upstreams with the credential entra and for the blob with changes.
var settings = union(
  { RECORDING_DIR: '${mountPath}/recording', AZURE_CLIENT_ID: identityClientId },
  environmentVariables,
  empty(changesAddress)
    ? {}
    : { CONFIG_STORE: 'blob:${changesAddress}', CONFIG_STORE_COPY: '${mountPath}/changes-copy.json' },
  { HOST: '0.0.0.0', PORT: string(port) }
)

resource app 'Microsoft.App/containerApps@2025-07-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: port
        transport: 'http'
        allowInsecure: false
        traffic: [
          {
            latestRevision: true
            weight: 100
          }
        ]
      }
      registries: [
        {
          server: registryServer
          identity: identityId
        }
      ]
      secrets: [
        for secret in secretNames: {
          name: secret.name
          // Without a version: a new secret value takes effect within half an hour.
          keyVaultUrl: '${vaultUri}secrets/${secret.name}'
          identity: identityId
        }
      ]
    }
    template: {
      // Longer than SHUTDOWN_GRACE_SECONDS (30), so that running responses can end.
      terminationGracePeriodSeconds: 45
      containers: [
        {
          name: 'simulator'
          image: image
          resources: {
            cpu: json(cpu)
            memory: memory
          }
          env: concat(
            map(items(settings), setting => { name: setting.key, value: string(setting.value) }),
            map(secretNames, secret => { name: secret.variable, secretRef: secret.name })
          )
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: healthPath
                port: port
                scheme: 'HTTP'
              }
              periodSeconds: 3
              timeoutSeconds: 2
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: healthPath
                port: port
                scheme: 'HTTP'
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
            {
              type: 'Readiness'
              httpGet: {
                path: healthPath
                port: port
                scheme: 'HTTP'
              }
              periodSeconds: 5
              timeoutSeconds: 3
              failureThreshold: 3
            }
          ]
          volumeMounts: [
            {
              volumeName: 'simulator'
              mountPath: mountPath
            }
          ]
        }
      ]
      volumes: [
        {
          name: 'simulator'
          storageType: 'AzureFile'
          storageName: storageName
          // The image runs as user 10001, which must own the mounted share.
          mountOptions: 'uid=10001,gid=10001,dir_mode=0770,file_mode=0660,mfsymlinks,nobrl'
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: [
          {
            name: 'http'
            http: {
              metadata: {
                concurrentRequests: string(concurrentRequests)
              }
            }
          }
        ]
      }
    }
  }
}

output url string = 'https://${app.properties.configuration.ingress.fqdn}'
