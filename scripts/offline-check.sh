#!/usr/bin/env bash
# Installs, builds and tests this working tree without a network, from the packed dependencies. OFFLINE_CHECK selects what
# runs: all (make test, the default), unit (build and unit tests) or build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

case ${OFFLINE_CHECK:-all} in
  all) steps='make test' ;;
  unit) steps='make build && node_modules/.bin/vitest run --project "unit*"' ;;
  build) steps='make build' ;;
  *) fail "Could not check: OFFLINE_CHECK must be all, unit or build (got $OFFLINE_CHECK)." ;;
esac

# Without root, a separate network namespace needs a user namespace.
isolated=(unshare --net)
if [ "$(id -u)" -ne 0 ]; then isolated+=(--map-root-user); fi
"${isolated[@]}" true 2>/dev/null ||
  fail 'Could not check: unshare --net is not permitted. Run it on Linux as root, or enable user namespaces.'

work=$(mktemp -d "${TMPDIR:-/tmp}/aoai-offline.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree" "$work/home" "$work/cache"

[ -s .npm-cache.tgz ] ||
  fail 'Could not check: there is no .npm-cache.tgz. Run make pack-dependencies on a machine with a network.'
tar -xzf .npm-cache.tgz -C "$work/cache"
cmp -s "$work/cache/package-lock.json" package-lock.json ||
  fail 'Could not check: .npm-cache.tgz was packed for another package-lock.json. Run make pack-dependencies again.'

# Copy tracked and new files, without ignored and deleted ones.
git ls-files --cached --others --exclude-standard -z |
  while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done |
  tar --null --files-from - -cf - | tar -xf - -C "$work/tree"

cat >"$work/run.sh" <<EOF
set -euo pipefail
ip link set lo up
cd '$work/tree'
if node -e "fetch('https://registry.npmjs.org/').then(() => process.exit(0), () => process.exit(1))"; then
  echo 'Could not check: the network is reachable.' >&2
  exit 1
fi
echo 'No network: only the loopback interface is up.'
npm ci --offline --ignore-scripts --cache '$work/cache' --no-audit --no-fund --loglevel=error
$steps
EOF
# An empty environment, so that no user settings and caches are used.
env -i PATH="$PATH" HOME="$work/home" CI=true LANG="${LANG:-C.UTF-8}" "${isolated[@]}" bash "$work/run.sh"
echo "Installed and checked without a network (OFFLINE_CHECK=${OFFLINE_CHECK:-all})."
