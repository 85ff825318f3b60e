#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes initramfs layers for guests. image.sh base|base-6.12|tools|igt|mesa|mesa-25: prints the path of that layer, made and cached when its inputs change.
# image.sh job OUTPUT SCRIPT [FILE[:PATH-IN-GUEST]]...: a small layer with /job and files, programs of the host with their libraries.
# A guest boots the base of its kernel and any others, one after the other.
set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/common.sh"

# pack DIRECTORY OUTPUT: a cpio archive; whoever packs it, root owns it in the guest.
pack() {
  local busybox
  busybox=$(component busybox)/busybox
  (cd "$1" && find . | LC_ALL=C sort | "$busybox" cpio -o -H newc -R 0:0 2>/dev/null) >"$2" || die "cannot pack $2"
}

layer_base() {
  mkdir -p "$1"/usr/{bin,lib,lib64} "$1"/{dev,proc,sys,tmp,run,etc,root}
  ln -s usr/bin "$1/bin"; ln -s usr/bin "$1/sbin"; ln -s usr/lib "$1/lib"; ln -s usr/lib64 "$1/lib64"
  install -m 755 "$(component busybox)/busybox" "$1/usr/bin/busybox"
  ln -s busybox "$1/usr/bin/sh"
  cp -R "$(component "$kernel")/lib/modules" "$1/usr/lib/modules"
  install -m 755 "$here/init.sh" "$1/init"
  install -m 644 "$here/guest.sh" "$1/guest.sh"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
  echo 'root:x:0:' >"$1/etc/group"
}

layer_tools() {
  cp -R "$(component igt-tools)"/{usr,etc} "$1/"
}

layer_igt() {
  cp -R "$(component igt)" "$1/igt" && rm "$1/igt/packages.list"
}

layer_mesa() {
  cp -R "$(component "${parts[1]}")" "$1/mesa" && rm "$1/mesa/packages.list"
}

make_layer() (
  [ ! -e "$2" ] || exit 0
  rm -rf "$cache/.layer-$1".?????? # of an earlier process that was killed
  work=$(mktemp -d "$cache/.layer-$1.XXXXXX") && trap 'rm -rf "$work"' EXIT || exit 1
  chmod 755 "$work"
  mkdir "$work/root" && chmod 755 "$work/root"
  "layer_${1%%-*}" "$work/root" && pack "$work/root" "$work/cpio" || exit 1
  find "$cache" -maxdepth 1 -name "layer-$1-*.cpio" -mtime +7 -delete
  mv "$work/cpio" "$2"
)

layer() {
  local name=$1 parts=(busybox) part key kernel=''
  case $name in
    base | base-*)
      [ "$name" = base ] && kernel=6.1 || kernel=${name#base-}
      [ -n "${kernel_suite[${kernel:-none}]:-}" ] || usage_error "no kernel \"$kernel\" (${!kernel_suite[*]})"
      kernel=$(kernel_component "$kernel") parts+=("$kernel")
      ;;
    tools) parts+=(igt-tools) ;;
    igt | mesa | mesa-25) parts+=("$name") ;;
    *) usage_error "unknown layer \"$name\" (base, base-6.12, tools, igt, mesa, mesa-25)" ;;
  esac
  "$here/fetch.sh" "${parts[@]}" || exit
  key=$( (cat "$here/image.sh"; [ -z "$kernel" ] || cat "$here/init.sh" "$here/guest.sh"
    for part in "${parts[@]}"; do component "$part"; stat -c %Y "$(component "$part")"; done) | sha256sum | cut -c 1-16)
  local file=$cache/layer-$name-$key.cpio
  [ -e "$file" ] || locked "layer-$name" make_layer "$name" "$file" || exit
  touch -c "$file" # in use: see make_layer
  echo "$file"
}

job() (
  local output=$1 script=$2 dir file library
  shift 2
  "$here/fetch.sh" busybox || exit
  dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT || exit 1
  chmod 755 "$dir"
  install -m 755 "$script" "$dir/job" || die "cannot read the job $script"
  for file in "$@"; do
    case $file in *:*) ;; *) file=$file:/${file##*/} ;; esac
    [ -r "${file%:*}" ] || die "${file%:*}: cannot be read"
    install -D -m "$(stat -c %a "${file%:*}")" "${file%:*}" "$dir/${file##*:}" || die "cannot add ${file%:*} to the job"
    for library in $(ldd "${file%:*}" 2>/dev/null | grep -o '/[^ ]*'); do
      case $library in
        */ld-linux-x86-64.so.2) install -D "$library" "$dir/usr/lib64/${library##*/}" ;;
        *) install -D -m 644 "$library" "$dir/usr/lib/x86_64-linux-gnu/${library##*/}" ;;
      esac
    done
  done
  pack "$dir" "$output"
)

case ${1:-} in
  '' | -h | --help) sed -n '3,5s/^# //p' "$0"; [ $# -gt 0 ] || exit 2 ;;
  job) [ $# -ge 3 ] || usage_error "job needs OUTPUT and SCRIPT"; shift; job "$@" ;;
  *) layer "$1" ;;
esac
