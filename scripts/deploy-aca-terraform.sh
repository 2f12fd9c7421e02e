#!/usr/bin/env bash
# Deploys the simulator to Azure Container Apps with Terraform: infra/container-apps/terraform.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=deploy-common.sh
. "$(dirname "${BASH_SOURCE[0]}")/deploy-common.sh"

help='Usage: scripts/deploy-aca-terraform.sh [--dry-run] [--env-file FILE]

Deploys the simulator to Azure Container Apps with Terraform. Uses the variables of scripts/deploy-aca.sh. The state contains
secrets; it is terraform.tfstate in infra/container-apps/terraform, unless a backend is configured.'

folder="$root/infra/container-apps/terraform"

write_variables() {
  cat >"$work/deploy.tfvars.json" <<JSON
{
  "subscription_id": $(json_string "$subscription_id"),
  "resource_group_name": $(json_string "$resource_group"),
  "location": $(json_string "$location"),
  "name": $(json_string "$name"),
  "image": $(json_string "$image"),
  "environment_variables": $(json_settings),
  "simulator_api_key": $(json_string "$(value_of SIMULATOR_API_KEY)"),
  "simulator_admin_api_key": $(json_string "$(value_of ADMIN_API_KEY)"),
  "twin_admin_token": $(json_string "$(value_of TWIN_ADMIN_TOKEN)"),
  "azure_openai_key": $(json_string "$(value_of AZURE_OPENAI_KEY)"),
  "upstream_client_secret": $(json_string "$(value_of UPSTREAM_CLIENT_SECRET)"),
  "config_store_key": $(json_string "$(value_of CONFIG_STORE_KEY)"),
  "secrets": $(json_secrets),
  "changes_in_blob": $changes_in_blob,
  "upstream_account_ids": $(json_accounts),
  "redis_url": $(json_string "$(value_of REDIS_URL)"),
  "applicationinsights_connection_string": $(json_string "$(value_of APPLICATIONINSIGHTS_CONNECTION_STRING)"),
  "otlp_headers": $(json_string "$(value_of OTEL_EXPORTER_OTLP_HEADERS)"),
  "min_replicas": $min_replicas,
  "max_replicas": $max_replicas
}
JSON
}

# apply <name of the plan> <further arguments of the plan...>
apply() {
  local plan=$1
  shift
  run 'plan the deployment' 'An existing resource group must be removed, or imported into the state.' \
    terraform "-chdir=$folder" plan -input=false "-var-file=$work/deploy.tfvars.json" "-out=$work/$plan" "$@"
  run 'apply the plan' 'Run the script again to continue. Role assignments need Owner or User Access Administrator.' \
    terraform "-chdir=$folder" apply -input=false "$work/$plan"
}

# read_output <name>
read_output() {
  capture "read the output $1" '' terraform "-chdir=$folder" output -raw "$1"
}

parse_options "$help" "$@"
open_work_folder
read_common_values
need_tool az 'See https://aka.ms/install-azure-cli.'
need_tool terraform 'See https://developer.hashicorp.com/terraform/install; 1.9 or newer.'
need_tool curl 'The smoke test needs it.'
need_login
need_image_source
need_value DEPLOY_RESOURCE_GROUP 'It is the resource group to create.'
need_value DEPLOY_LOCATION 'It is the Azure region, such as swedencentral; az account list-locations lists them.'
need_settings
need_accounts
need_changes_in_blob
collect_settings /mnt/simulator/config
finish_checks

step 'Find the subscription'
capture 'find the subscription' 'Run az login.' azure account show --query id --output tsv
subscription_id=$captured
write_variables

step 'Prepare Terraform'
run 'prepare Terraform' 'It needs access to registry.terraform.io.' terraform "-chdir=$folder" init -input=false

# Everything except the app, which needs its image. -target also keeps an existing app unchanged on later runs.
step 'Create registry, vault, storage and environment'
apply base.tfplan -target=azurerm_role_assignment.pull -target=azurerm_key_vault_secret.simulator \
  -target=azurerm_container_app_environment_storage.simulator -target=azurerm_storage_share.simulator
read_output registry_name
registry=$captured
read_output storage_account_name
account=$captured
read_output share_name
share=$captured
if [ "$dry_run" = true ]; then registry='<registry>' account='<account>' share='<share>'; fi

build_image "$registry"
upload_to_share "$account" "$share"

step 'Create the container app'
apply app.tfplan
read_output url
url=$captured
smoke_test "$url" "See az containerapp logs show --name $name --resource-group $resource_group."

tell_end "The simulator runs at $url" "terraform -chdir=$folder destroy"
