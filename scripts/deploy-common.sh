# shellcheck shell=bash
# Shared functions of the deploy scripts, which source this file. Compatible with bash 3.2 (macOS).

# shellcheck disable=SC2034 # read by the scripts that source this file
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dry_run=false
env_file="$root/.env"
work=''
problems=()
step_number=0
forward_pid=''

# Settings that templates and charts set, settings that are secrets, and settings that name files.
fixed_settings=' HOST PORT '
secret_settings=' SIMULATOR_API_KEY ADMIN_API_KEY TWIN_ADMIN_TOKEN AZURE_OPENAI_KEY UPSTREAM_CLIENT_SECRET CONFIG_STORE_KEY REDIS_URL OTEL_EXPORTER_OTLP_HEADERS APPLICATIONINSIGHTS_CONNECTION_STRING '
file_settings=' SIMULATOR_CONFIG OPENAI_DEPLOYMENT_CONFIG_PATH MODEL_CATALOGUE_PATH FAULTS_PATH INCIDENTS_PATH '

# --- Output ----------------------------------------------------------------------------------------------------------

# step <title>: starts a numbered step.
step() {
  step_number=$((step_number + 1))
  printf '\n==> %d. %s\n' "$step_number" "$1"
}

# fail <message>: ends the script.
fail() {
  printf '\n%s\n' "$1" >&2
  exit 1
}

# problem <problem and fix>: recorded for finish_checks.
problem() {
  problems+=("$1")
}

# show <command...>: prints a command, quoted for the shell. Arguments must not contain secrets.
show() {
  local word line='   '
  if [ "$1" = azure ]; then
    shift
    set -- az "$@" ${subscription:+--subscription "$subscription"}
  fi
  for word in "$@"; do line+=" $(printf '%q' "$word")"; done
  printf '%s\n' "$line"
}

# run <purpose, after "Could not"> <fix> <command...>
run() {
  local what=$1 advice=$2 code=0
  shift 2
  show "$@"
  if [ "$dry_run" = true ]; then return; fi
  "$@" || code=$?
  if [ "$code" -ne 0 ]; then
    fail "Could not $what: ${1/#azure/az} ended with code $code; its message is above. $advice"
  fi
}

# capture <purpose> <fix> <command...>: like run; sets $captured to the output.
capture() {
  local what=$1 advice=$2 code=0
  shift 2
  show "$@"
  captured=''
  if [ "$dry_run" = true ]; then return; fi
  captured=$("$@") || code=$?
  if [ "$code" -ne 0 ]; then
    fail "Could not $what: ${1/#azure/az} ended with code $code; its message is above. $advice"
  fi
}

# --- Start and end ---------------------------------------------------------------------------------------------------

# parse_options <help text> <arguments...>
parse_options() {
  local help=$1
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --dry-run) dry_run=true ;;
      --env-file)
        [ $# -ge 2 ] || fail 'Could not read the options: --env-file needs a file. Use --env-file path/to/.env.'
        env_file=$2
        shift
        ;;
      -h | --help)
        printf '%s\n' "$help"
        exit 0
        ;;
      *) fail "Could not read the options: unknown option $1. The options are --dry-run, --env-file FILE and --help." ;;
    esac
    shift
  done
}

# Creates a private folder for files with secrets, which is removed when the script ends.
open_work_folder() {
  umask 077
  work=$(mktemp -d "${TMPDIR:-/tmp}/aoai-deploy.XXXXXX")
  trap close_work_folder EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

close_work_folder() {
  if [ -n "$forward_pid" ]; then kill "$forward_pid" 2>/dev/null || true; fi
  if [ -n "$work" ]; then rm -rf "$work"; fi
}

# Prints all problems and exits if there are any. A dry run continues.
finish_checks() {
  local count=${#problems[@]} one
  if [ "$count" -eq 0 ]; then return; fi
  {
    printf 'Could not deploy: %d %s. Nothing was changed.\n' "$count" "$([ "$count" -eq 1 ] && echo problem || echo problems)"
    for one in "${problems[@]}"; do printf '  - %s\n' "$one"; done
  } >&2
  if [ "$dry_run" = true ]; then
    printf 'This is a dry run, so the steps are printed anyway.\n' >&2
  else
    exit 1
  fi
}

# --- .env ------------------------------------------------------------------------------------------------------------

# Reads .env into variables file_<name> without executing it, like util.parseEnv of Node.js.
read_env_file() {
  local line name value quote rest number=0
  [ -e "$env_file" ] || return 0
  if [ ! -r "$env_file" ] || [ -d "$env_file" ]; then
    problem "$env_file cannot be read. Make it a readable file, or remove it."
    return 0
  fi
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    line=${line%$'\r'}
    if [[ ! $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=[[:space:]]*(.*)$ ]]; then continue; fi
    name=${BASH_REMATCH[2]}
    value=${BASH_REMATCH[3]}
    quote=${value:0:1}
    case $quote in
      '"' | "'" | '`')
        rest=${value:1}
        if [[ $rest != *"$quote"* ]]; then
          problem "Line $number of $env_file begins a value in quotes and does not end it. Write it in one line."
          continue
        fi
        value=${rest%%"$quote"*}
        if [ "$quote" = '"' ]; then value=${value//\\n/$'\n'}; fi
        ;;
      *)
        value=${value%%#*}
        value=${value%"${value##*[![:space:]]}"}
        ;;
    esac
    printf -v "file_$name" '%s' "$value"
  done <"$env_file"
}

# value_of <name> [default]: the environment takes precedence over .env, as in the simulator; empty means unset.
value_of() {
  local in_file="file_$1"
  if [ -n "${!1:-}" ]; then
    printf '%s' "${!1}"
  elif [ -n "${!in_file:-}" ]; then
    printf '%s' "${!in_file}"
  else
    printf '%s' "${2:-}"
  fi
}

# Names of all settings, from sample.env, which is generated from the code.
known_settings() {
  sed -n 's/^#\{0,1\}\([A-Z][A-Z0-9_]*\)=.*/\1/p' "$root/sample.env"
}

# --- Checks ----------------------------------------------------------------------------------------------------------

# need_tool <command> <how to install it>
need_tool() {
  if ! command -v "$1" >/dev/null 2>&1; then problem "$1 is not installed. $2"; fi
}

# need_value <name> <what it is>
need_value() {
  if [ -z "$(value_of "$1")" ]; then problem "$1 is not set. $2 Set it in .env or in the environment."; fi
}

# need_match <name> <value> <pattern> <what it must be>
need_match() {
  if [ -n "$2" ] && [[ ! $2 =~ $3 ]]; then problem "$1 must be $4 (got $2)."; fi
}

# Checks the Azure login, if az is installed.
need_login() {
  command -v az >/dev/null 2>&1 || return 0
  if ! azure account show --output none >/dev/null 2>&1; then
    if [ -n "$subscription" ]; then
      problem "az has no access to the subscription $subscription. Run az login, and see az account list for DEPLOY_SUBSCRIPTION."
    else
      problem 'az is not logged in. Run az login.'
    fi
  fi
}

# The registry builds the image from the repository. Files that .dockerignore does not exclude are uploaded.
need_image_source() {
  if [ ! -f "$root/Dockerfile" ]; then
    problem 'There is no Dockerfile. Run the script in a complete clone of the repository.'
  elif plain_dockerfile | grep -qE '^[^#]*--mount=|<<-?["'"'"']?EOF'; then
    problem 'The Dockerfile needs BuildKit, which az acr build does not have. Remove here-documents and mounts other than secrets.'
  fi
  if ! grep -qE '^(\*|\*\*|/?\.env\*?|\*\*/\.env\*?)[[:space:]]*$' "$root/.dockerignore" 2>/dev/null; then
    problem '.dockerignore does not exclude .env, so its secrets would be uploaded to the registry. Add a line with .env.'
  fi
}

# Prints the Dockerfile without its optional secret mounts, because az acr build has no BuildKit:
# https://github.com/Azure/acr/issues/721
plain_dockerfile() {
  sed 's/ --mount=type=secret,[^ ]*//g' "$root/Dockerfile"
}

# Checks the settings that every deployment needs.
need_settings() {
  local key mode on_miss
  need_value SIMULATOR_API_KEY 'It is the key of the clients; create one with openssl rand -hex 16.'
  key=$(value_of SIMULATOR_API_KEY)
  if [ -n "$key" ] && [ ${#key} -lt 16 ]; then
    problem 'SIMULATOR_API_KEY must have at least 16 characters, because the endpoint is public. Create one with openssl rand -hex 16.'
  fi
  need_match DEPLOY_NAME "$name" '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' 'lower-case letters, digits and single dashes, a letter first'
  if [ ${#name} -lt 3 ] || [ ${#name} -gt 16 ]; then problem "DEPLOY_NAME must have 3 to 16 characters (got ${#name})."; fi
  need_match DEPLOY_IMAGE_TAG "$image_tag" '^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$' 'letters, digits, dots, dashes and underscores'
  need_match DEPLOY_MIN_REPLICAS "$min_replicas" '^(0|[1-9][0-9]{0,3})$' 'an integer of at least 0'
  need_match DEPLOY_MAX_REPLICAS "$max_replicas" '^[1-9][0-9]{0,3}$' 'an integer of at least 1'
  need_further_secrets
  mode=$(value_of SIMULATOR_MODE generate)
  on_miss=$(value_of REPLAY_ON_MISS error)
  if [ "$mode" = forward ] || [ "$mode" = record ] || { [ "$mode" = replay ] && [[ $on_miss =~ ^(record|forward)$ ]]; }; then
    # A configuration file can have the upstream.
    if [ -z "$(value_of SIMULATOR_CONFIG)" ]; then
      need_value AZURE_OPENAI_ENDPOINT 'It is the upstream service, such as https://my-resource.openai.azure.com.'
      if [ "$(value_of UPSTREAM_CREDENTIAL key)" = key ]; then need_value AZURE_OPENAI_KEY 'It is the key of the upstream service.'; fi
    fi
    if { [ "$mode" = record ] || [ "$on_miss" = record ]; } && [ "$max_replicas" != 1 ]; then
      problem "DEPLOY_MAX_REPLICAS must be 1 if responses are recorded (got $max_replicas): record mode supports only one replica."
    fi
  fi
  unknown_settings
}

# Checks the names in DEPLOY_SECRETS, and sets further_secrets.
need_further_secrets() {
  local one
  further_secrets=()
  for one in $(value_of DEPLOY_SECRETS | tr ',' ' '); do
    if [[ ! $one =~ ^[A-Za-z][A-Za-z0-9_]{0,100}$ ]]; then
      problem "DEPLOY_SECRETS must be names of variables, separated by commas (got $one)."
    elif [[ " $(known_settings | tr '\n' ' ') " == *" $one "* ]]; then
      problem "DEPLOY_SECRETS names the setting $one, which is passed anyway. Remove it."
    else
      need_value "$one" 'DEPLOY_SECRETS names it.'
      further_secrets+=("$one")
    fi
  done
}

# The simulator does not start with an unknown SIMULATOR_ variable.
unknown_settings() {
  local one known
  known=" $(known_settings | tr '\n' ' ') "
  for one in $(compgen -v | sed -n 's/^file_\(SIMULATOR_.*\)/\1/p'); do
    if [[ $known != *" $one "* ]]; then problem "$one in $env_file is not a setting. sample.env lists them all."; fi
  done
}

# collect_settings <folder of files in the container>: sets setting_names and setting_values for the container, and
# upload_files with the files that the settings name.
collect_settings() {
  local folder=$1 one value in_file path part parts
  setting_names=()
  setting_values=()
  upload_files=()
  for one in $(known_settings); do
    if [[ $fixed_settings == *" $one "* || $secret_settings == *" $one "* ]]; then continue; fi
    # As value_of, without a process for each of the settings.
    in_file="file_$one"
    value=${!one:-${!in_file:-}}
    if [ -z "$value" ]; then continue; fi
    if [[ $one == CONFIG_STORE && $value == blob:*\?* ]]; then
      problem 'CONFIG_STORE has a SAS, which would be a plain variable. Remove it, and give the identity of the app the role Storage Blob Data Contributor.'
    fi
    if [[ $file_settings == *" $one "* && $value != /mnt/* && $value != /etc/simulator* ]]; then
      path=$value
      if [[ $path != /* ]]; then path="$root/$path"; fi
      if [ ! -f "$path" ]; then
        problem "$one names a missing file (got $value). Name a local file, or a path below /mnt/simulator in the container."
        continue
      fi
      upload_files+=("$path")
      value="$folder/$(basename "$path")"
    elif [ "$one" = RECORDING_DIR ] && [[ $value != /mnt/* ]]; then
      # A local folder; the container uses the folder on the share.
      continue
    elif [ "$one" = EXTENSION_PATH ]; then
      IFS=, read -ra parts <<<"$value"
      for part in "${parts[@]}"; do
        part=${part#"${part%%[![:space:]]*}"}
        if [[ $part != /* ]]; then
          problem "EXTENSION_PATH names $part, which the container does not have. Add it to the image or the share, and use its absolute path there."
        fi
      done
    fi
    setting_names+=("$one")
    setting_values+=("$value")
  done
}

# --- JSON ------------------------------------------------------------------------------------------------------------

# json_string <text>: prints the text as a JSON string.
json_string() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\r'/\\r}
  text=${text//$'\t'/\\t}
  printf '"%s"' "$text"
}

# Prints the collected settings as a JSON object.
json_settings() {
  local index separator=''
  printf '{'
  for ((index = 0; index < ${#setting_names[@]}; index++)); do
    printf '%s%s: ' "$separator" "$(json_string "${setting_names[index]}")"
    json_string "${setting_values[index]}"
    separator=', '
  done
  printf '}'
}

# Prints the variables of DEPLOY_SECRETS as a JSON object.
json_secrets() {
  local one separator=''
  printf '{'
  for one in ${further_secrets[@]+"${further_secrets[@]}"}; do
    printf '%s%s: ' "$separator" "$(json_string "$one")"
    json_string "$(value_of "$one")"
    separator=', '
  done
  printf '}'
}

# Prints the accounts of DEPLOY_UPSTREAM_ACCOUNTS as a JSON list.
json_accounts() {
  local one separator=''
  printf '['
  for one in $(value_of DEPLOY_UPSTREAM_ACCOUNTS | tr ',' ' '); do
    printf '%s%s' "$separator" "$(json_string "$one")"
    separator=', '
  done
  printf ']'
}

# Checks the ids of the accounts that the identity of the app can call.
need_accounts() {
  local one
  for one in $(value_of DEPLOY_UPSTREAM_ACCOUNTS | tr ',' ' '); do
    need_match DEPLOY_UPSTREAM_ACCOUNTS "$one" \
      '^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.CognitiveServices/accounts/[^/]+$' \
      'resource ids of Azure OpenAI or Foundry accounts, separated by commas'
  done
}

# Checks where changes at run time are kept, and sets changes_in_blob.
need_changes_in_blob() {
  changes_in_blob=$(value_of DEPLOY_CHANGES_IN_BLOB false)
  need_match DEPLOY_CHANGES_IN_BLOB "$changes_in_blob" '^(true|false)$' 'true or false'
  if [ "$changes_in_blob" != true ]; then return; fi
  if [ -n "$(value_of CONFIG_STORE)$(value_of CONFIG_STORE_KEY)$(value_of CONFIG_STORE_COPY)" ]; then
    problem 'DEPLOY_CHANGES_IN_BLOB sets CONFIG_STORE, and a CONFIG_STORE variable is set as well. Remove one of the two.'
  fi
  if [ "$max_replicas" != 1 ] || [ -n "$(value_of REDIS_URL)" ]; then
    problem 'DEPLOY_CHANGES_IN_BLOB needs one replica and no REDIS_URL: several replicas keep changes in Redis. Remove one of the two.'
  fi
}

# --- Azure -----------------------------------------------------------------------------------------------------------

# Runs az with the subscription of DEPLOY_SUBSCRIPTION.
azure() {
  if [ -n "${subscription:-}" ]; then az "$@" --subscription "$subscription"; else az "$@"; fi
}

# Reads the variables of all three scripts.
read_common_values() {
  read_env_file
  subscription=$(value_of DEPLOY_SUBSCRIPTION)
  name=$(value_of DEPLOY_NAME aoai-sim)
  resource_group=$(value_of DEPLOY_RESOURCE_GROUP)
  location=$(value_of DEPLOY_LOCATION)
  min_replicas=$(value_of DEPLOY_MIN_REPLICAS 1)
  max_replicas=$(value_of DEPLOY_MAX_REPLICAS 1)
  # A new tag each time, so that the service detects the new image.
  image_tag=$(value_of DEPLOY_IMAGE_TAG "$(date -u +%Y%m%d-%H%M%S)")
  image="aoai-simulated-api:$image_tag"
  node_image=$(value_of DEPLOY_NODE_IMAGE)
}

# build_image <registry>: builds in the registry, without a local Docker.
build_image() {
  local arguments=(--registry "$1" --image "$image" --file "$work/Dockerfile")
  if [ -n "$node_image" ]; then arguments+=(--build-arg "NODE_IMAGE=$node_image"); fi
  step "Build the image $image in the registry"
  if [ -f "$root/Dockerfile" ]; then plain_dockerfile >"$work/Dockerfile"; fi
  run 'build the image' 'Docker Hub limits pulls: wait, or set DEPLOY_NODE_IMAGE to a mirror. Free subscriptions have no registry tasks.' \
    azure acr build "${arguments[@]}" "$root"
}

# upload_to_share <storage account> <share>: uploads the files that settings name and, in replay mode, the recordings.
upload_to_share() {
  local file recordings mode
  mode=$(value_of SIMULATOR_MODE generate)
  recordings=$(value_of RECORDING_DIR recordings)
  if [[ $recordings != /* ]]; then recordings="$root/$recordings"; fi
  step 'Upload files to the share'
  # Passed to az through the environment, which other users cannot read.
  capture 'get the key of the storage account' '' \
    azure storage account keys list --account-name "$1" --resource-group "$resource_group" --query '[0].value' --output tsv
  export AZURE_STORAGE_KEY=$captured
  run 'create the folder for recordings' '' \
    azure storage directory create --account-name "$1" --share-name "$2" --name recording --output none
  if [ ${#upload_files[@]} -gt 0 ]; then
    run 'create the folder for files' '' \
      azure storage directory create --account-name "$1" --share-name "$2" --name config --output none
    for file in "${upload_files[@]}"; do
      run "upload $file" '' \
        azure storage file upload --account-name "$1" --share-name "$2" --source "$file" \
        --path "config/$(basename "$file")" --output none
    done
  fi
  if [ "$mode" = replay ] && [[ $recordings != /mnt/* ]]; then
    if [ -d "$recordings" ]; then
      run 'upload the recordings' '' \
        azure storage file upload-batch --account-name "$1" --destination "$2" --destination-path recording \
        --source "$recordings" --output none
    else
      printf '    There is no folder %s: the simulator replays what is on the share.\n' "$recordings"
    fi
  fi
  unset AZURE_STORAGE_KEY
}

# tell_end <result> <command to uninstall>
tell_end() {
  if [ "$dry_run" = true ]; then
    printf '\nThis was a dry run: nothing was changed.\n'
  else
    printf '\n%s\nTo remove it: %s\n' "$1" "$2"
  fi
}

# smoke_test <address> <fix>
smoke_test() {
  step "Test the simulator at ${1:-its address}"
  show "$root/scripts/smoke-test.sh" "${1:-<address>}"
  if [ "$dry_run" = true ]; then return; fi
  SIMULATOR_API_KEY=$(value_of SIMULATOR_API_KEY) \
    ADMIN_API_KEY=$(value_of ADMIN_API_KEY) "$root/scripts/smoke-test.sh" "$1" ||
    fail "Could not verify the simulator at $1: the check above failed. $2"
}
