#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes a small Linux kernel with i915 and its self-tests from Debian's linux-source-6.1, once, and prints the folder of the cache with it:
# vmlinux, the live self-tests' parameters (groups) and the configuration. Takes 10 to 20 minutes and 2 GB below the cache while it runs.
# Usage: build.sh [--cached]      --cached builds nothing. Exit 77: not in the cache, or it cannot be made here.
set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/../linux/common.sh"
. "$here/../../../cmake/packages.sh"
# A change of either file makes another kernel, in a folder of its own.
key=$(cat "$here/config" "$here/build.sh" | sha256sum | cut -c 1-12)
cache=${cache%/linux}/kernel
source=linux-source-6.1

# configure TREE: .config from tinyconfig and our fragment. What the fragment asks for and dependencies forbid would go unnoticed: it is an error.
configure() {
  local option value is wrong=0
  make -s -C "$1" tinyconfig >"$work/log" 2>&1 &&
    (cd "$1" && scripts/kconfig/merge_config.sh -m .config "$here/config") >>"$work/log" 2>&1 &&
    make -s -C "$1" olddefconfig >>"$work/log" 2>&1 || die "the kernel cannot be configured: $(tail -n 1 "$work/log")"
  while IFS='=' read -r option value; do
    case $option in CONFIG_*) ;; *) continue ;; esac
    is=$(sed -n "s/^$option=//p" "$1/.config")
    [ "${is:-n}" = "$value" ] || { echo "$program: $option is ${is:-n}, not $value" >&2; wrong=1; }
  done <"$here/config"
  [ $wrong -eq 0 ] || die "the kernel has other options than tests/vm/kernel/config asks for"
}

build() (
  [ ! -d "$cache/$key" ] || exit 0 # another process was faster
  install_packages $MEDIANT_KERNEL_PACKAGES >&2 || skip "no tools to build a kernel with"
  rm -rf "$cache"/.build.?????? # of an earlier process that was killed
  work=$(mktemp -d "$cache/.build.XXXXXX") && trap 'rm -rf "$work"' EXIT || exit 1
  cd "$work" || exit 1
  echo "Building a kernel for tests (10 to 20 minutes, once) ..." >&2
  apt-get -q=2 -o APT::Sandbox::User=root download "$source" >"$work/log" 2>&1 || skip "apt cannot download $source: $(tail -n 1 "$work/log")"
  dpkg-deb --fsys-tarfile "$source"_*.deb | tar -xO "./usr/src/$source.tar.xz" | tar -xJ || die "cannot unpack $source"
  configure "$work/$source"
  nice make -s -C "$work/$source" -j2 vmlinux >"$work/log" 2>&1 || die "the kernel cannot be built: $(grep -m 1 -i error "$work/log")"
  mkdir "$work/out" && chmod 755 "$work/out" && strip -o "$work/out/vmlinux" "$work/$source/vmlinux" || exit 1
  cp "$work/$source/.config" "$work/out/config"
  ls "$source"_*.deb >"$work/out/packages.list"
  # A parameter of a self-test is named by its line of this header: igt__LINE__live_NAME.
  awk -F '[(,]' '/^selftest\(/ { print $2, "i915.igt__" NR "__live_" $2 }' \
    "$source/drivers/gpu/drm/i915/selftests/i915_live_selftests.h" >"$work/out/groups"
  mv -T "$work/out" "$cache/$key"
)

case ${1:-} in
  '') [ -d "$cache/$key" ] || locked build build || exit ;;
  --cached) [ -d "$cache/$key" ] || skip "the tests' kernel is not in the cache (tests/vm/kernel/build.sh makes it)" ;;
  *) usage_error "unknown argument \"$1\" (--cached)" ;;
esac
echo "$cache/$key"
