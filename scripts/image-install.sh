#!/bin/sh
# Installs in the image what package-lock.json names, by the way that network_type says. Run by the Dockerfile in /app.
set -eu

fail() {
  printf '\n%s\n' "$1" >&2
  exit 1
}

# Of the secrets of docker build those that were given. The first has the registry with its credentials, the second the
# certificates of a mirror or a proxy of the house.
npmrc=${NPMRC_FILE:-/run/secrets/npmrc}
ca=${CA_FILE:-/run/secrets/ca}
if [ -s "$npmrc" ]; then export NPM_CONFIG_USERCONFIG="$npmrc"; fi
if [ -s "$ca" ]; then export NODE_EXTRA_CA_CERTS="$ca"; fi

cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT

# No package has to run anything of its own to be installed.
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
      printf '%s\n' "network_type=semi-restricted without a mirror: the packages come from the public registry. Give a mirror by \
--build-arg NPM_REGISTRY=https://..., or, with credentials, by --secret id=npmrc,src=\$HOME/.npmrc."
      install
    fi
    ;;
  restricted)
    [ -s .npm-cache.tgz ] || fail "Could not install the dependencies: network_type=restricted needs .npm-cache.tgz in the \
folder of the build (got none). Make it by make pack-dependencies where there is a network, and copy it here."
    tar -xzf .npm-cache.tgz -C "$cache"
    cmp -s "$cache/package-lock.json" package-lock.json || fail "Could not install the dependencies: .npm-cache.tgz was \
packed for another package-lock.json. Make it anew by make pack-dependencies."
    install --offline
    ;;
  *)
    fail "Could not install the dependencies: network_type must be unrestricted, semi-restricted or restricted \
(got $network_type). Set it by --build-arg network_type=..."
    ;;
esac
