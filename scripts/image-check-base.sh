#!/usr/bin/env bash
# Creates a root filesystem from this machine's Node.js, npm and the commands that the Dockerfile uses. It replaces the base
# image if none can be pulled. Usage: scripts/image-check-base.sh <folder>
set -euo pipefail

root=$1
mkdir -p "$root"/{usr/bin,usr/lib,usr/lib64,etc,tmp,root,proc,sys,dev}
chmod 1777 "$root/tmp"
for folder in bin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done

commands=(node sh env tar gzip cat rm mkdir mktemp cmp install ls)
for name in "${commands[@]}"; do
  path=$(type -P "$name") || { echo "Could not create the base image: $name is not on the PATH. Install it." >&2; exit 1; }
  cp -L "$path" "$root/usr/bin/$name"
  { ldd "$path" 2>/dev/null || true; } | { grep -o '/[^ ]*' || true; } | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -Lu "$library" "$root$library"
  done
done

npm=$(readlink -f "$(type -P npm)")
mkdir -p "$root/usr/lib/node_modules"
cp -r "$(dirname "$(dirname "$npm")")" "$root/usr/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"

if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
  mkdir -p "$root/etc/ssl/certs"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
fi
# Name resolution for the commands of RUN.
for file in resolv.conf hosts nsswitch.conf; do
  if [ -f "/etc/$file" ]; then cp -L "/etc/$file" "$root/etc/$file"; fi
done
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\n' >"$root/etc/group"
