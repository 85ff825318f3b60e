# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by fetch.sh, image.sh and qemu.sh: where the cache is, how components are named and locked, how to fail.
# A component is a folder of the cache that appears by one rename, so it is whole if it is there.

program=${0##*/}
# The HOME of root may be unset in CI; the cache must be the same one in the next run all the same.
home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
cache=${MEDIANT_CACHE:-${XDG_CACHE_HOME:-${home:-${TMPDIR:-/tmp}}/.cache}/mediant}/linux

# The number goes up when fetch.sh makes something else of the same packages; an older folder is then left alone and no longer used.
declare -A recipe=([qemu]=1 [kernel]=5 [kernel-6.12]=5 [kernel-sid]=5 [busybox]=1 [igt-tools]=2 [igt]=3 [faketime]=1 [mdevctl]=1 [mesa]=1 [mesa-25]=1 [qmp-shell]=1)
component() { echo "$cache/$1-${recipe[$1]}"; }

# Stock kernels for the guest, with their Debian suites. The default, 6.1, is the component "kernel"; of any other, the name tells which it is.
declare -A kernel_suite=([6.1]=bookworm [6.12]=trixie [sid]=sid)
kernel_component() { [ "$1" = 6.1 ] && echo kernel || echo "kernel-$1"; }

die() { echo "$program: $*" >&2; exit 1; }
skip() { echo "SKIP: $*"; exit 77; }
usage_error() { echo "$program: $*" >&2; exit 2; }

# locked NAME COMMAND...: runs the command while no other process holds the lock of that name.
locked() {
  local name=$1 lock
  shift
  mkdir -p "$cache" || die "cannot make the cache folder $cache (set MEDIANT_CACHE)"
  exec {lock}>"$cache/.$name.lock" || die "cannot write to $cache"
  flock "$lock"
  "$@"
  local status=$?
  exec {lock}>&-
  return $status
}
