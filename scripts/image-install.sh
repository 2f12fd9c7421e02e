#!/bin/sh
# Installs the dependencies in the image, from the source that network_type selects. Run by the Dockerfile in /app.
set -eu

fail() {
  printf '\n%s\n' "$1" >&2
  exit 1
}

# Optional secrets of docker build: npmrc has the registry and its credentials, ca the certificates of a mirror or proxy.
npmrc=${NPMRC_FILE:-/run/secrets/npmrc}
ca=${CA_FILE:-/run/secrets/ca}
if [ -s "$npmrc" ]; then export NPM_CONFIG_USERCONFIG="$npmrc"; fi
if [ -s "$ca" ]; then export NODE_EXTRA_CA_CERTS="$ca"; fi

cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT

# No package needs an install script.
install() {
  npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --cache "$cache" "$@"
}

case ${network_type:-unrestricted} in
  unrestricted)
    install
    ;;
  semi-restricted)
    if [ -n "${NPM_REGISTRY:-}" ]; then
      install --registry "$NPM_REGISTRY"
    elif [ -s "$npmrc" ]; then
      install
    else
      printf '%s\n' "network_type=semi-restricted without a mirror: packages are downloaded from the public registry. Set a mirror with \
--build-arg NPM_REGISTRY=https://... or, with credentials, --secret id=npmrc,src=\$HOME/.npmrc."
      install
    fi
    ;;
  restricted)
    [ -s .npm-cache.tgz ] || fail "Could not install the dependencies: network_type=restricted needs .npm-cache.tgz in the \
build folder (got none). Run make pack-dependencies on a machine with a network, and copy the file."
    tar -xzf .npm-cache.tgz -C "$cache"
    cmp -s "$cache/package-lock.json" package-lock.json || fail "Could not install the dependencies: .npm-cache.tgz was \
packed for another package-lock.json. Run make pack-dependencies again."
    install --offline
    ;;
  *)
    fail "Could not install the dependencies: network_type must be unrestricted, semi-restricted or restricted \
(got $network_type). Set it with --build-arg network_type=..."
    ;;
esac
