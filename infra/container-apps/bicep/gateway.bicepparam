// For a gateway: upstreams with keys from the environment and with the managed identity, and a configuration file on the share.
//   export SIMULATOR_API_KEY=... ADMIN_API_KEY=... EAST_KEY=...
//   az deployment group create --resource-group <group> --parameters gateway.bicepparam
// Upload the file before the app starts (deployApp=false first): infra/README.md, "Gateway".
using './main.bicep'

param name = 'aoai-gateway'

param image = readEnvironmentVariable('DEPLOY_IMAGE', 'aoai-simulated-api:latest')

param simulatorApiKey = readEnvironmentVariable('SIMULATOR_API_KEY')

// Separate, so that clients cannot change upstreams.
param simulatorAdminApiKey = readEnvironmentVariable('ADMIN_API_KEY')

// The variables of { env: NAME } in the configuration file. They become secrets of the key vault, and the app has references.
param secrets = {
  EAST_KEY: readEnvironmentVariable('EAST_KEY')
}

// The identity of the app gets the role Cognitive Services OpenAI User at these accounts, for upstreams with credential: entra.
param upstreamAccountIds = [
  '/subscriptions/<subscription>/resourceGroups/<group>/providers/Microsoft.CognitiveServices/accounts/<account>'
]

// A gateway must not wait for a start.
param minReplicas = 1

// More need a Redis, which is created then.
param maxReplicas = 1

// Changes at run time are kept in a blob: CONFIG_STORE names it.
param changesInBlob = true

param environmentVariables = {
  SIMULATOR_CONFIG: '/mnt/simulator/config/aoai-sim.yaml'
  // The share sends no change notifications.
  WATCH: 'poll'
  LOG_LEVEL: 'info'
}
