#!/usr/bin/env bash
# Deploys the simulator to Azure Container Apps with Bicep: infra/container-apps/bicep.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=deploy-common.sh
. "$(dirname "${BASH_SOURCE[0]}")/deploy-common.sh"

help='Usage: scripts/deploy-aca.sh [--dry-run] [--env-file FILE]

Deploys the simulator to Azure Container Apps. Variables, read from the environment or else from .env:
  DEPLOY_RESOURCE_GROUP  resource group, created if missing (required)
  DEPLOY_LOCATION        Azure region, such as swedencentral (required)
  SIMULATOR_API_KEY      key of the clients, at least 16 characters (required)
  DEPLOY_NAME            prefix of resource names (default: aoai-sim)
  DEPLOY_SUBSCRIPTION    subscription (default: az account show)
  DEPLOY_MIN_REPLICAS    minimum number of replicas (default: 1)
  DEPLOY_MAX_REPLICAS    maximum number of replicas (default: 1); above 1, an Azure Managed Redis is created unless REDIS_URL is set
  DEPLOY_SECRETS         names of further secret variables, separated by commas: those that the configuration file names
  DEPLOY_UPSTREAM_ACCOUNTS
                         resource ids of Azure OpenAI accounts, separated by commas, which the app can call with its identity
  DEPLOY_CHANGES_IN_BLOB true keeps changes at run time in a blob of the storage account (default: false); only with one replica
  DEPLOY_IMAGE_TAG       tag of the image (default: current time)
  DEPLOY_NODE_IMAGE      Node.js base image, for example of a mirror (default: that of the Dockerfile)
All settings of docs/config.md are passed to the simulator.'

template="$root/infra/container-apps/bicep/main.bicep"

# write_parameters <true|false>: whether the app is deployed.
write_parameters() {
  cat >"$work/parameters.json" <<JSON
{
  "\$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "name": { "value": $(json_string "$name") },
    "location": { "value": $(json_string "$location") },
    "deployApp": { "value": $1 },
    "image": { "value": $(json_string "$image") },
    "environmentVariables": { "value": $(json_settings) },
    "simulatorApiKey": { "value": $(json_string "$(value_of SIMULATOR_API_KEY)") },
    "simulatorAdminApiKey": { "value": $(json_string "$(value_of ADMIN_API_KEY)") },
    "twinAdminToken": { "value": $(json_string "$(value_of TWIN_ADMIN_TOKEN)") },
    "azureOpenAiKey": { "value": $(json_string "$(value_of AZURE_OPENAI_KEY)") },
    "upstreamClientSecret": { "value": $(json_string "$(value_of UPSTREAM_CLIENT_SECRET)") },
    "configStoreKey": { "value": $(json_string "$(value_of CONFIG_STORE_KEY)") },
    "secrets": { "value": $(json_secrets) },
    "changesInBlob": { "value": $changes_in_blob },
    "upstreamAccountIds": { "value": $(json_accounts) },
    "redisUrl": { "value": $(json_string "$(value_of REDIS_URL)") },
    "applicationInsightsConnectionString": { "value": $(json_string "$(value_of APPLICATIONINSIGHTS_CONNECTION_STRING)") },
    "otlpHeaders": { "value": $(json_string "$(value_of OTEL_EXPORTER_OTLP_HEADERS)") },
    "minReplicas": { "value": $min_replicas },
    "maxReplicas": { "value": $max_replicas }
  }
}
JSON
}

# deploy_template <name of the deployment>
deploy_template() {
  run 'deploy the template' "See the deployment $1 in the portal. Role assignments need Owner or User Access Administrator." \
    azure deployment group create --resource-group "$resource_group" --name "$1" --template-file "$template" \
    --parameters "@$work/parameters.json" --output none
}

# read_outputs <name of the deployment> <names of outputs...>: sets $captured, one output a line.
read_outputs() {
  local deployment=$1 query='' output
  shift
  for output in "$@"; do query+="${query:+, }properties.outputs.$output.value"; done
  capture 'read what was deployed' '' \
    azure deployment group show --resource-group "$resource_group" --name "$deployment" --query "[$query]" --output tsv
}

# The old revision serves requests until the new one is ready.
await_revision() {
  local latest='' ready='' round
  step 'Wait until the new revision is ready'
  for ((round = 0; round < 60; round++)); do
    capture 'ask for the revision' '' \
      azure resource show --resource-group "$resource_group" --name "$name" --resource-type Microsoft.App/containerApps \
      --query '[properties.latestRevisionName, properties.latestReadyRevisionName]' --output tsv
    if [ "$dry_run" = true ]; then return; fi
    read -r -d '' latest ready <<<"$captured" || true
    if [ -n "$latest" ] && [ "$latest" = "$ready" ]; then return; fi
    sleep "${DEPLOY_PAUSE_SECONDS:-5}"
  done
  fail "Could not start the new revision $latest: it is not ready after 5 minutes. See az containerapp logs show --name $name --resource-group $resource_group --type console --revision $latest."
}

parse_options "$help" "$@"
open_work_folder
read_common_values
need_tool az 'See https://aka.ms/install-azure-cli.'
need_tool curl 'The smoke test needs it.'
need_login
need_image_source
need_value DEPLOY_RESOURCE_GROUP 'It is the resource group to deploy to.'
need_value DEPLOY_LOCATION 'It is the Azure region, such as swedencentral; az account list-locations lists them.'
need_settings
need_accounts
need_changes_in_blob
collect_settings /mnt/simulator/config
finish_checks

step "Create the resource group $resource_group"
run 'create the resource group' 'Check that DEPLOY_LOCATION is a region, and that the group does not exist in another one.' \
  azure group create --name "$resource_group" --location "$location" --output none

# Role assignments take a few minutes to replicate, so they are created before the image is built.
step 'Create registry, vault, storage and environment'
write_parameters false
deploy_template "$name-base"
read_outputs "$name-base" registryName storageAccountName shareName
read -r -d '' registry account share <<<"$captured" || true
if [ "$dry_run" = true ]; then registry='<registry>' account='<account>' share='<share>'; fi

build_image "$registry"
upload_to_share "$account" "$share"

step 'Create the container app'
write_parameters true
deploy_template "$name-app"
read_outputs "$name-app" url
url=$captured
await_revision
smoke_test "$url" "See az containerapp logs show --name $name --resource-group $resource_group."

tell_end "The simulator runs at $url" "az group delete --name $resource_group"
