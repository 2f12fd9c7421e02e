#!/usr/bin/env bash
# Packs all packages of package-lock.json into .npm-cache.tgz, for npm ci --offline.
# Arguments are passed to npm ci, for another platform: --os=linux --cpu=arm64 --libc=glibc
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d "${TMPDIR:-/tmp}/aoai-pack.XXXXXX")
trap 'rm -rf "$work"' EXIT

mkdir "$work/project" "$work/pack"
cp package.json package-lock.json "$work/project/"
echo 'Fetching the dependencies ...'
if ! (cd "$work/project" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --cache "$work/pack" "$@"); then
  echo 'Could not pack the dependencies: npm ci failed; its message is above. Run this on a machine with access to the registry or a mirror.' >&2
  exit 1
fi
# Lets the installation check that the pack matches its lock file.
cp package-lock.json "$work/pack/"
tar -czf "$work/npm-cache.tgz" -C "$work/pack" package-lock.json _cacache
mv "$work/npm-cache.tgz" .npm-cache.tgz
echo "Wrote .npm-cache.tgz ($(du -h .npm-cache.tgz | cut -f1)): install with npm ci --offline."
