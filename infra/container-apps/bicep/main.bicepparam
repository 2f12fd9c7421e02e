// For a deployment by hand. Secrets are read from the environment, so that no file contains them.
//   SIMULATOR_API_KEY=... az deployment group create --resource-group <group> --parameters main.bicepparam
// scripts/deploy-aca.sh does not use this file: it creates its parameters from .env.
using './main.bicep'

param name = 'aoai-sim'

param image = readEnvironmentVariable('DEPLOY_IMAGE', 'aoai-simulated-api:latest')

param simulatorApiKey = readEnvironmentVariable('SIMULATOR_API_KEY')

param simulatorAdminApiKey = readEnvironmentVariable('ADMIN_API_KEY', '')

param twinAdminToken = readEnvironmentVariable('TWIN_ADMIN_TOKEN', '')

param azureOpenAiKey = readEnvironmentVariable('AZURE_OPENAI_KEY', '')

param upstreamClientSecret = readEnvironmentVariable('UPSTREAM_CLIENT_SECRET', '')

param configStoreKey = readEnvironmentVariable('CONFIG_STORE_KEY', '')

param redisUrl = readEnvironmentVariable('REDIS_URL', '')

param applicationInsightsConnectionString = readEnvironmentVariable('APPLICATIONINSIGHTS_CONNECTION_STRING', '')

param otlpHeaders = readEnvironmentVariable('OTEL_EXPORTER_OTLP_HEADERS', '')

param minReplicas = 1

param maxReplicas = 1

param environmentVariables = {
  SIMULATOR_MODE: 'generate'
  LOG_LEVEL: 'info'
}
