#!/usr/bin/env bash
# Replaces az, terraform, helm and kubectl. It is linked under their names. Writes each call as one line into
# $FAKE_LOG, keeps the files that a call names below $FAKE_FILES, says what the real one would say where a script reads it,
# and fails with code 3 on a call that has $FAKE_FAIL in it.
set -euo pipefail

tool=${0##*/}
call="$tool $*"
printf '%s\n' "$call" >>"$FAKE_LOG"
if [ -n "${AZURE_STORAGE_KEY:-}" ]; then printf 'AZURE_STORAGE_KEY was set\n' >>"$FAKE_LOG.environment"; fi

previous=''
for argument in "$@"; do
  file=''
  case $argument in
    @*) file=${argument#@} ;;
    -var-file=*) file=${argument#-var-file=} ;;
  esac
  case $previous in --filename | --values) file=$argument ;; --file) if [ -f "$argument" ]; then file=$argument; fi ;; esac
  if [ -n "$file" ]; then
    number=$(wc -l <"$FAKE_LOG" | tr -d ' ')
    cp "$file" "$FAKE_FILES/$number-${file##*/}"
    # Most of these files hold secrets.
    if [ -z "$(find "$file" -perm 600)" ]; then printf '%s\n' "$file" >>"$FAKE_LOG.readable"; fi
  fi
  previous=$argument
done

if [ -n "${FAKE_FAIL:-}" ] && [[ $call == *"$FAKE_FAIL"* ]]; then
  printf 'ERROR: the fake %s fails here\n' "$tool" >&2
  exit 3
fi

case $call in
  'az account show --query id'*) echo 00000000-0000-0000-0000-000000000001 ;;
  *'output -raw registry_name') printf aoaisimregistry ;;
  *'output -raw storage_account_name') printf aoaisimstorage ;;
  *'output -raw share_name') printf simulator ;;
  *'output -raw url') printf '%s' "$FAKE_URL" ;;
  'az deployment group show'*registryName*) printf 'aoaisimregistry\naoaisimstorage\nsimulator\n' ;;
  'az deployment group show'*'[properties.outputs.url.value]'*) printf '%s\n' "$FAKE_URL" ;;
  'az storage account keys list'*) echo storage-account-key-of-the-fake ;;
  'az resource show'*) printf 'aoai-sim--0000002\naoai-sim--0000002\n' ;;
  'az acr show'*) echo aoaisimregistry.azurecr.io ;;
  'kubectl --namespace'*port-forward*) exec sleep 60 ;;
esac
