#!/usr/bin/env bash
# ./dev fresh [FOLDER]: a minimal Debian in FOLDER (build/fresh), a clean clone of what is committed in it, and there
# `./dev demo` and `./dev test` by chroot: the proof that the README's two commands need nothing else.
#
# Variables, for machines that reach the network in a way of their own:
#   PELLUCID_FRESH_SUITE    Debian's release (bookworm)
#   PELLUCID_FRESH_MIRROR   where debootstrap and apt fetch from (http://deb.debian.org/debian)
#   PELLUCID_FRESH_BIND     files and folders of this machine to show inside at the same place, read-only, "PATH:PATH":
#                           certificates, a package client's settings, a local package index
#   PELLUCID_FRESH_COMMANDS what to run inside ("demo test")
# PIP_*, SSL_CERT_*, *_CA_BUNDLE, NODE_EXTRA_CA_CERTS, npm_config_*, http(s)_proxy, no_proxy and PELLUCID_TORCH_INDEX
# are passed on.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
root=$PWD
fail() {
  printf 'fresh: %s\n' "$*" >&2
  exit 1
}
((EUID == 0)) || fail "a chroot needs root: sudo ./dev fresh"
(($# < 2)) || fail "takes one folder; got: $*"
folder=${1:-build/fresh}
[[ $folder == /* ]] || folder=$root/$folder
suite=${PELLUCID_FRESH_SUITE:-bookworm}
mirror=${PELLUCID_FRESH_MIRROR:-http://deb.debian.org/debian}
command -v debootstrap >/dev/null || apt-get install -y -q --no-install-recommends debootstrap </dev/null ||
  fail "debootstrap is missing and could not be installed: apt-get update && apt-get install debootstrap"

mounts=()
unmount() {
  local index
  for ((index = ${#mounts[@]} - 1; index >= 0; index--)); do umount -l "${mounts[index]}" || true; done
}
trap unmount EXIT
show() { # show PATH OPTIONS: this machine's PATH inside, at the same place
  local source target=$folder$1
  source=$(readlink -f -- "$1") || fail "PELLUCID_FRESH_BIND: no $1 on this machine"
  if [[ -d $source ]]; then mkdir -p "$target"; else mkdir -p "$(dirname "$target")" && touch "$target"; fi
  mount --bind "$source" "$target"
  mounts+=("$target")
  [[ ${2-} != ro ]] || mount -o remount,bind,ro "$target"
}

# Each run starts from Debian's bare base, which is kept beside the folder: what an earlier run installed is no proof.
base=$folder.$suite.tar
! grep -q " $folder/" /proc/mounts || fail "something is still mounted in $folder: umount it first"
[[ ! -e $folder || -f $folder/etc/pellucid-fresh ]] || fail "$folder exists and is not one of ours; name another folder"
rm -rf --one-file-system "$folder"
mkdir -p "$folder/etc"
touch "$folder/etc/pellucid-fresh"
if [[ ! -f $base ]]; then
  echo "fresh: debootstrap $suite from $mirror (about 100 MB)"
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$folder" "$mirror"
  if [[ $mirror == http://deb.debian.org/debian ]]; then
    printf 'deb %s %s\n' "$mirror" "$suite main" "$mirror" "$suite-updates main" \
      http://deb.debian.org/debian-security "$suite-security main" >"$folder/etc/apt/sources.list"
  fi
  tar -C "$folder" -cf "$base.part" . && mv "$base.part" "$base"
else
  tar -C "$folder" -xf "$base"
fi

show /proc
show /dev
show /sys ro
mount -t tmpfs tmpfs "$folder/tmp" && mounts+=("$folder/tmp")
[[ ! -f /etc/resolv.conf ]] || cp -L /etc/resolv.conf "$folder/etc/resolv.conf"
[[ ! -f /etc/hosts ]] || cp -L /etc/hosts "$folder/etc/hosts"
IFS=: read -ra binds <<<"${PELLUCID_FRESH_BIND-}"
for path in ${binds[@]+"${binds[@]}"}; do show "$path" ro; done

rm -rf "$folder/pellucid"
git -c safe.directory='*' clone -q --no-hardlinks "file://$root" "$folder/pellucid"
[[ -z $(git status --porcelain) ]] || echo "fresh: note: what is not committed is not in the clone"

passed=(HOME=/root LANG=C.UTF-8 TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
while IFS= read -r name; do passed+=("$name=${!name}"); done < <(compgen -e |
  grep -E -e '^(PIP_|SSL_CERT_|npm_config_|NPM_CONFIG_)' -e '^(.*_CA_BUNDLE|NODE_EXTRA_CA_CERTS)$' \
    -e '^(https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY|PELLUCID_TORCH_INDEX|PELLUCID_JOBS)$')
read -ra commands <<<"${PELLUCID_FRESH_COMMANDS:-demo test}"
env -i "${passed[@]}" chroot "$folder" /pellucid/tools/fresh/provision.sh "${commands[@]}"
echo "fresh: all done in $folder"
