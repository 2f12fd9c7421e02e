#!/usr/bin/env bash
# Tests a running simulator: health, a chat completion, a 401 without a key, metrics.
set -euo pipefail

usage='Usage: SIMULATOR_API_KEY=... scripts/smoke-test.sh ADDRESS

  ADMIN_API_KEY        key for the metrics with METRICS_AUTH=key, if it is a separate key
  SMOKE_DEPLOYMENT     deployment of the chat completion (default: gpt-4o-mini)
  SMOKE_WAIT_SECONDS   timeout of the first response (default: 300)
  SMOKE_PAUSE_SECONDS  pause between two attempts (default: 5)'

if [ $# -ne 1 ]; then
  printf '%s\n' "$usage" >&2
  exit 2
fi
case $1 in
  http://* | https://*) address=${1%/} ;;
  *)
    printf 'Could not test the simulator: the address must begin with http:// or https:// (got %s).\n' "$1" >&2
    exit 2
    ;;
esac
key=${SIMULATOR_API_KEY:-}
if [ -z "$key" ]; then
  printf 'Could not test the simulator: SIMULATOR_API_KEY is not set. Set it to the key of the clients.\n' >&2
  exit 2
fi

deployment=${SMOKE_DEPLOYMENT:-gpt-4o-mini}
wait_seconds=${SMOKE_WAIT_SECONDS:-300}
pause_seconds=${SMOKE_PAUSE_SECONDS:-5}
body=$(mktemp "${TMPDIR:-/tmp}/smoke-test.XXXXXX")
trap 'rm -f "$body"' EXIT

chat_path="/openai/deployments/$deployment/chat/completions?api-version=2024-10-21"
chat_request='{"messages":[{"role":"user","content":"Say hello."}],"max_tokens":5}'

# request <with-key|without-key> <curl arguments...>: sets $status, writes the body to the file $body.
request() {
  local access=$1 quoted
  shift
  # Pass the key to curl by standard input, because other users can read arguments.
  quoted=${key//\\/\\\\}
  quoted=${quoted//\"/\\\"}
  : >"$body"
  status=$(
    if [ "$access" = with-key ]; then printf 'header = "api-key: %s"\n' "$quoted"; fi |
      curl --silent --max-time 30 --output "$body" --write-out '%{http_code}' --config - "$@"
  ) || status=000
}

# check <title> <expected status> <expected text in the body> <timeout in seconds> <request...>
check() {
  local title=$1 expected=$2 text=$3 seconds=$4 end
  shift 4
  end=$((SECONDS + seconds))
  while :; do
    request "$@"
    if [ "$status" = "$expected" ] && grep -qF -- "$text" "$body"; then
      printf '    ok    %s\n' "$title"
      return
    fi
    if [ "$SECONDS" -ge "$end" ]; then break; fi
    sleep "$pause_seconds"
  done
  printf '    FAIL  %s: expected %s with %s in it, got %s after %s s\n' "$title" "$expected" "$text" "$status" "$seconds" >&2
  if [ "$status" = 000 ]; then
    printf '          There was no response. Check that the simulator runs and that the address is correct.\n' >&2
  else
    head -c 500 "$body" | sed 's/^/          /' >&2
  fi
  exit 1
}

check 'GET /healthz answers' 200 '"status":"ok"' "$wait_seconds" without-key "$address/healthz"
if grep -qF '"mode":"generate"' "$body"; then
  check "a chat completion of $deployment answers" 200 '"choices"' 30 \
    with-key --request POST --header 'content-type: application/json' --data "$chat_request" "$address$chat_path"
else
  printf '    skip  a chat completion: outside generate mode it needs a recording or costs money\n'
fi
check 'a request without a key is refused' 401 '"401"' 30 \
  without-key --request POST --header 'content-type: application/json' --data "$chat_request" "$address$chat_path"
# Without METRICS_AUTH=key, the metrics accept any key.
key=${ADMIN_API_KEY:-$key}
check 'GET /metrics answers' 200 '# HELP' 30 with-key "$address/metrics"
