#!/usr/bin/env bash
# Deploys the simulator to a cluster of Azure Kubernetes Service with Helm: infra/helm/aoai-simulated-api.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=deploy-common.sh
. "$(dirname "${BASH_SOURCE[0]}")/deploy-common.sh"

help='Usage: scripts/deploy-aks.sh [--dry-run] [--env-file FILE]

Deploys the simulator to an AKS cluster. Variables, read from the environment or else from .env:
  DEPLOY_RESOURCE_GROUP    resource group of the cluster (required)
  DEPLOY_AKS_CLUSTER       name of the cluster (required)
  DEPLOY_REGISTRY          name of the container registry, attached to the cluster (required)
  SIMULATOR_API_KEY        key of the clients, at least 16 characters (required)
  DEPLOY_NAME              name of the release (default: aoai-sim)
  DEPLOY_NAMESPACE         namespace, created if missing (default: aoai-sim)
  DEPLOY_SUBSCRIPTION      subscription (default: az account show)
  DEPLOY_MAX_REPLICAS      number of pods (default: 1); more than one need REDIS_URL
  DEPLOY_RECORDINGS_CLAIM  volume claim with recordings (required in replay mode)
  DEPLOY_HELM_VALUES       file with additional chart values
  DEPLOY_SECRETS           names of further secret variables, separated by commas: those that the configuration file names
  DEPLOY_IMAGE_TAG         tag of the image (default: current time)
  DEPLOY_NODE_IMAGE        Node.js base image, for example of a mirror (default: that of the Dockerfile)
  DEPLOY_LOCAL_PORT        local port of the smoke test (default: 18000)
All settings of docs/config.md are passed to the simulator.'

chart="$root/infra/helm/aoai-simulated-api"
files_folder=/etc/simulator-files

# Writes the namespace, the secret, and the files that settings name.
write_objects() {
  local one value separator='' file
  {
    printf '{"apiVersion": "v1", "kind": "List", "items": [\n'
    printf '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": %s}},\n' "$(json_string "$namespace")"
    printf '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": %s, "namespace": %s}, "stringData": {' \
      "$(json_string "$name-settings")" "$(json_string "$namespace")"
    for one in $secret_settings ${further_secrets[@]+"${further_secrets[@]}"}; do
      value=$(value_of "$one")
      if [ -z "$value" ]; then continue; fi
      printf '%s%s: ' "$separator" "$(json_string "$one")"
      json_string "$value"
      separator=', '
    done
    printf '}}'
    if [ ${#upload_files[@]} -gt 0 ]; then
      printf ',\n{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": %s, "namespace": %s}, "data": {' \
        "$(json_string "$name-files")" "$(json_string "$namespace")"
      separator=''
      for file in "${upload_files[@]}"; do
        printf '%s%s: ' "$separator" "$(json_string "$(basename "$file")")"
        json_string "$(cat "$file")"
        separator=', '
      done
      printf '}}'
    fi
    printf '\n]}\n'
  } >"$work/objects.json"
}

# Writes the chart values as JSON, which is valid YAML.
write_values() {
  {
    printf '{\n"fullnameOverride": %s,\n' "$(json_string "$name")"
    printf '"image": {"repository": %s, "tag": %s},\n' "$(json_string "$login_server/aoai-simulated-api")" "$(json_string "$image_tag")"
    printf '"replicaCount": %s,\n' "$max_replicas"
    printf '"secret": {"existingSecret": %s},\n' "$(json_string "$name-settings")"
    if [ -n "$claim" ]; then
      printf '"recordings": {"enabled": true, "existingClaim": %s},\n' "$(json_string "$claim")"
    elif [ "$(value_of SIMULATOR_MODE generate)" = record ]; then
      printf '"recordings": {"enabled": true},\n'
    fi
    if [ ${#upload_files[@]} -gt 0 ]; then
      printf '"extraVolumes": [{"name": "files", "configMap": {"name": %s}}],\n' "$(json_string "$name-files")"
      printf '"extraVolumeMounts": [{"name": "files", "mountPath": %s, "readOnly": true}],\n' "$(json_string "$files_folder")"
    fi
    printf '"env": %s\n}\n' "$(json_settings)"
  } >"$work/values.json"
}

parse_options "$help" "$@"
open_work_folder
read_common_values
cluster=$(value_of DEPLOY_AKS_CLUSTER)
registry=$(value_of DEPLOY_REGISTRY)
namespace=$(value_of DEPLOY_NAMESPACE aoai-sim)
claim=$(value_of DEPLOY_RECORDINGS_CLAIM)
more_values=$(value_of DEPLOY_HELM_VALUES)
local_port=$(value_of DEPLOY_LOCAL_PORT 18000)
need_tool az 'See https://aka.ms/install-azure-cli.'
need_tool kubectl 'Run az aks install-cli.'
need_tool helm 'See https://helm.sh/docs/intro/install/.'
need_tool curl 'The smoke test needs it.'
need_login
need_image_source
need_value DEPLOY_RESOURCE_GROUP 'It is the resource group of the cluster.'
need_value DEPLOY_AKS_CLUSTER 'It is the name of the cluster; az aks list lists them.'
need_value DEPLOY_REGISTRY 'It is the name of the container registry; az acr list lists them.'
need_match DEPLOY_REGISTRY "$registry" '^[A-Za-z0-9]{5,50}$' 'the name of a registry without .azurecr.io'
need_match DEPLOY_NAMESPACE "$namespace" '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' 'lower-case letters, digits and dashes'
need_match DEPLOY_LOCAL_PORT "$local_port" '^[1-9][0-9]{1,4}$' 'a port'
need_settings
if [ "$max_replicas" != 1 ] && [ -z "$(value_of REDIS_URL)" ]; then
  problem "REDIS_URL is not set, and there are $max_replicas pods: each would have separate rate limits. Set it, or set DEPLOY_MAX_REPLICAS to 1."
fi
if [ "$(value_of SIMULATOR_MODE generate)" = replay ] && [ -z "$claim" ]; then
  problem 'DEPLOY_RECORDINGS_CLAIM is not set, and replay mode needs recordings: name a persistent volume claim with recordings in its folder recording.'
fi
if [ -n "$more_values" ] && [ ! -f "$more_values" ]; then
  problem "DEPLOY_HELM_VALUES names a file that is not there (got $more_values)."
fi
collect_settings "$files_folder"
finish_checks

step "Find the registry $registry"
capture 'find the registry' 'Set DEPLOY_REGISTRY to a registry that az acr list shows.' \
  azure acr show --name "$registry" --query loginServer --output tsv
login_server=${captured:-<registry>}

step "Get access to the cluster $cluster"
export KUBECONFIG="$work/kubeconfig"
run 'get access to the cluster' 'See az aks list. A cluster with Entra ID also needs kubelogin.' \
  azure aks get-credentials --resource-group "$resource_group" --name "$cluster" --file "$KUBECONFIG" --overwrite-existing \
  --output none

build_image "$registry"

step "Create the namespace $namespace and the secret"
write_objects
run 'create the namespace and the secret' '' \
  kubectl apply --server-side --force-conflicts --field-manager=deploy-aks --filename "$work/objects.json"

step "Install the chart as $name"
write_values
arguments=(--values "$work/values.json")
if [ -n "$more_values" ]; then arguments+=(--values "$more_values"); fi
run 'install the chart' "See kubectl --namespace $namespace describe pods. If a pod cannot pull the image, run az aks update --name $cluster --resource-group $resource_group --attach-acr $registry." \
  helm upgrade --install "$name" "$chart" --namespace "$namespace" "${arguments[@]}" --wait --timeout 5m

step "Forward port $local_port of this machine to the simulator"
show kubectl --namespace "$namespace" port-forward "service/$name" "$local_port:80"
if [ "$dry_run" = false ]; then
  kubectl --namespace "$namespace" port-forward "service/$name" "$local_port:80" >"$work/forward.log" 2>&1 &
  forward_pid=$!
fi
smoke_test "http://127.0.0.1:$local_port" "See kubectl --namespace $namespace logs deployment/$name."

tell_end "The simulator runs in the namespace $namespace as service $name." \
  "helm uninstall $name --namespace $namespace && kubectl delete namespace $namespace"
