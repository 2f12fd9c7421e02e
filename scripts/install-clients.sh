#!/usr/bin/env bash
# Installs what some end-to-end tests use and package.json would make too large: the newest clients for Node.js in tests/clients/node
# (tests/e2e/newest-clients.test.ts), and the emulator of Azure Storage in tests/clients/azurite (tests/e2e/blob-store.test.ts). Without
# them, these tests are skipped. .github/workflows/clients.yml installs the clients of other languages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../tests/clients"

# Installs the packages of a folder. Further arguments go to npm ci.
install() {
  (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error --fetch-timeout=60000 \
    --fetch-retries=1 "${@:2}" >/dev/null)
}

status=0
# The clients need Node.js 22. An optional package of npm has the program for Linux.
omitted=()
if node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 22 ? 0 : 1)'; then omitted=(--omit=optional); fi
install node "${omitted[@]}" || status=$?
install azurite || status=$?
exit "$status"
