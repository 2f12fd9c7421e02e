#!/usr/bin/env bash
# Installs the newest clients for Node.js in tests/clients/node, which tests/e2e/newest-clients.test.ts runs. Without them, its tests
# are skipped. .github/workflows/clients.yml installs the clients of other languages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../tests/clients/node"

# The clients need Node.js 22. An optional package of npm has the program for Linux.
omitted=()
if node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 22 ? 0 : 1)'; then omitted=(--omit=optional); fi
npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error --fetch-timeout=60000 --fetch-retries=1 \
  "${omitted[@]}" >/dev/null
