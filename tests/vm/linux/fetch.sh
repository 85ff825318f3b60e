#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Fills the cache with stock Debian parts for guests: fetch.sh [qemu|kernel|kernel-6.12|kernel-sid|busybox|igt-tools|igt|faketime|mdevctl|mesa|mesa-25|qmp-shell]... (without arguments all but kernel-sid and the last three).
# Needs the archive the first time only; installs nothing on the host. Exit 77: not in the cache and the archive cannot be reached.
set -u
cd "$(dirname "$(readlink -f "$0")")" || exit 1
. ./common.sh

# Tests of sid's IGT that are copied, as far as its package has them.
igt_tests="gem_exec_basic gem_exec_store gem_exec_nop gem_exec_create gem_exec_parallel gem_exec_flush gem_exec_gttfill gem_sync gem_busy gem_wait
gem_ctx_create gem_ctx_exec gem_ctx_switch gem_mmap_gtt gem_mmap_offset gem_linear_blits gem_tiled_blits gem_tiled_fence_blits core_getversion
syncobj_basic kms_addfb_basic kms_setmode kms_flip kms_vblank
gem_exec_fence gem_exec_reloc gem_ctx_isolation gem_workarounds i915_hangman gem_eio gem_exercise_blt gem_userptr_blits gem_render_copy gem_softpin
gem_exec_async gem_exec_await gem_exec_whisper gem_exec_big gem_exec_params gem_exec_alignment gem_ringfill gem_ctx_param gem_ctx_shared gem_ctx_engines
gem_ctx_persistence gem_exec_schedule gem_spin_batch gem_cs_tlb gem_close_race gem_reg_read gem_create gem_basic gem_pread gem_pwrite gem_mmap
i915_query i915_getparams_basic kms_cursor_legacy kms_pipe_crc_basic kms_plane kms_properties kms_prop_blob kms_getfb drm_read core_auth
kms_cursor_crc kms_color kms_draw_crc kms_rotation_crc kms_universal_plane kms_plane_alpha_blend kms_plane_multiple kms_atomic"
# Modules of the guest's kernel; those that they depend on come with them.
modules="i915 vgem virtio_pci virtio_blk virtio_net virtio_console virtio_rng 9p 9pnet_virtio virtio_input evdev"

# The Debian mirror that apt is configured with.
mirror() {
  apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
    awk '$2 ~ /^(bookworm|trixie|forky|sid|oldstable|stable|testing|unstable)$/ && $3 == "main" { print $1; exit }'
}

# private_apt DIRECTORY SUITE...: sets apt to an apt-get with a state of its own there, which thinks that nothing is installed.
private_apt() {
  local dir=$1 suite keyring=/usr/share/keyrings/debian-archive-keyring.gpg site
  shift
  command -v apt-get >/dev/null || skip "no apt-get: Debian parts for the guest cannot be fetched"
  site=$(mirror)
  [ -n "$site" ] || skip "apt knows no Debian mirror: parts for the guest cannot be fetched"
  mkdir -p "$dir"/etc/{apt.conf.d,preferences.d,trusted.gpg.d} "$dir"/state/lists/partial "$dir"/cache/archives/partial || exit 1
  : >"$dir/state/status"
  for suite in "$@"; do echo "deb [signed-by=$keyring] $site $suite main"; done >"$dir/etc/sources.list"
  apt=(apt-get -q=2 -o "Dir::Etc=$dir/etc" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State=$dir/state" -o "Dir::State::status=$dir/state/status"
    -o "Dir::Cache=$dir/cache" -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Install-Recommends=false -o Debug::NoLocking=1
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false
    -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30)
  "${apt[@]}" update >"$dir/log" 2>&1 && [ -n "$(find "$dir/state/lists" -maxdepth 1 -name '*Packages*' -print -quit)" ] && return
  skip "the Debian archive cannot be reached ($(grep -m 1 -E '^[EW]:' "$dir/log" || echo 'apt-get update failed'))"
}

# download PACKAGE...: the packages and all that they depend on, into $work/apt/cache/archives.
download() {
  "${apt[@]}" -y --download-only install "$@" >"$work/apt/log" 2>&1 || skip "cannot download $* ($(grep -m 1 '^E:' "$work/apt/log"))"
}

# unpack DIRECTORY NAME-PATTERN...: those of the downloaded packages whose file name begins so.
unpack() {
  local dir=$1 pattern deb
  shift
  for pattern in "$@"; do
    for deb in "$work/apt/cache/archives/$pattern"*.deb; do
      [ -e "$deb" ] || continue
      dpkg-deb -x "$deb" "$dir" || die "cannot unpack $(basename "$deb")"
    done
  done
  (cd "$work/apt/cache/archives" && printf '%s\n' *.deb) >"$dir.packages"
}

# closure ROOT TARGET PROGRAM...: copies programs (paths below ROOT) with the libraries that they load to TARGET, at the same places.
closure() {
  local root=$1 target=$2 loader libraries path
  shift 2
  loader=$(readlink -f "$root"/lib64/ld-linux-x86-64.so.2 2>/dev/null || readlink -f "$root"/usr/lib64/ld-linux-x86-64.so.2)
  [ -x "$loader" ] || loader=$(find "$root" -name 'ld-linux-x86-64.so.2' ! -type l -print -quit)
  libraries=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu
  mkdir -p "$target"/usr/{bin,lib,lib64,libexec} "$target"/{dev,proc,sys,tmp,run,etc}
  ln -sfn usr/lib "$target/lib"; ln -sfn usr/lib64 "$target/lib64"; ln -sfn usr/bin "$target/bin"
  install -D "$loader" "$target/usr/lib64/ld-linux-x86-64.so.2"
  for path in "$@"; do
    install -D "$root/$path" "$target/$path"
    "$loader" --library-path "$libraries" --list "$root/$path" || echo "$path => not found"
  done >"$work/ldd"
  grep -q 'not found' "$work/ldd" && die "a library is missing: $(grep -m 1 'not found' "$work/ldd")"
  sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' "$work/ldd" | sort -u | while read -r path; do
    [ "${path##*/}" = ld-linux-x86-64.so.2 ] || install -D -m 644 "$path" "$target/usr/lib/x86_64-linux-gnu/${path##*/}"
  done
}

# font ROOT TARGET: one font, for programs that draw text with Cairo.
font() {
  install -D -m 644 "$1/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf" -t "$2/usr/share/fonts" || exit 1
  mkdir -p "$2/etc/fonts"
  echo '<fontconfig><dir>/usr/share/fonts</dir><cachedir>/tmp/fonts</cachedir></fontconfig>' >"$2/etc/fonts/fonts.conf"
}

fetch_qemu() {
  private_apt "$work/apt" trixie trixie-backports
  download -t trixie-backports qemu-system-x86
  unpack "$out" ''
  rm -rf "$out"/usr/share/{doc,man,locale,info,bash-completion,icons,applications}
}

# zstd_program: sets zstd to a command, which Debian installs on demand only: that of the host, or a private copy from the suite of private_apt.
zstd_program() {
  local root=$work/zstd
  zstd=(zstd)
  ! command -v zstd >/dev/null || return 0
  download zstd
  unpack "$work/zstd-root" zstd lib zlib gcc
  closure "$work/zstd-root" "$root" usr/bin/zstd
  zstd=("$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/zstd")
}

# decompress FILE OUTPUT: by the first bytes of the file; an ELF file is copied.
decompress() {
  local zstd
  case $(od -A n -t x1 -N 4 "$1" | tr -d ' ') in
    7f454c46) cat "$1" >"$2" ;;
    fd377a58) xz -dc <"$1" >"$2" ;;
    28b52ffd) zstd_program && "${zstd[@]}" -q -dc <"$1" >"$2" ;;
    1f8b*) gzip -dc <"$1" >"$2" ;;
    *) die "$(basename "$1") is compressed in a way that is not known here" ;;
  esac
}

# payload VMLINUZ OUTPUT: the kernel inside of it, by the boot header (Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length).
payload() {
  local setup offset length
  field() { od -A n -t "u$2" -j "$3" -N "$2" "$1" | tr -d ' '; }
  setup=$(field "$1" 1 $((0x1f1))) offset=$(field "$1" 4 $((0x248))) length=$(field "$1" 4 $((0x24c)))
  # The last four bytes are the length of what comes out, which xz would take for garbage.
  tail -c +$(((${setup:-4} + 1) * 512 + offset + 1)) "$1" | head -c $((length - 4)) >"$work/payload"
  decompress "$work/payload" "$2"
}

# copy_modules DIRECTORY TARGET NAME...: copies these modules and those that they need to TARGET, at the same places, but not compressed: the guest
# would take longer to unpack them than to read them.
copy_modules() {
  local dir=$1 target=$2 name file path need queue seen=' '
  shift 2
  queue=("$@")
  while [ ${#queue[@]} -gt 0 ]; do
    name=${queue[0]//-/_} queue=("${queue[@]:1}")
    case $seen in *" $name "*) continue ;; esac
    seen+="$name "
    file=$(find "$dir/kernel" \( -name "${name//_/[-_]}.ko" -o -name "${name//_/[-_]}.ko.*" \) -print -quit)
    if [ -z "$file" ]; then
      grep -q "/${name//_/[-_]}\.ko\$" "$dir/modules.builtin" && continue
      die "the kernel package has no module $name"
    fi
    path=$target${file#"$dir"}
    path=${path%.ko*}.ko
    mkdir -p "${path%/*}"
    decompress "$file" "$path" || die "cannot unpack $(basename "$file")"
    need=$(tr '\0' '\n' <"$path" | LC_ALL=C grep -a -m 1 '^depends=' | cut -d= -f2)
    queue+=(${need//,/ })
  done
}

# fetch_kernel SUITE: that suite's default kernel, as vmlinuz and as vmlinux, and the modules of guests; in kvm/, apart, those of a guest that is a host.
fetch_kernel() {
  local package parts image dir target
  private_apt "$work/apt" "$1"
  package=$(apt-cache "${apt[@]:2}" depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  [ -n "$package" ] || die "linux-image-amd64 depends on no kernel"
  # Newer suites have the kernel and its modules in packages of their own, on which that one depends.
  parts=$(apt-cache "${apt[@]:2}" depends "$package" | sed -nE 's/.*Depends: (linux-(binary|modules|base)-[0-9].*)/\1/p')
  (cd "$work/apt/cache/archives" && "${apt[@]}" download "$package" $parts >"$work/apt/log" 2>&1) || skip "cannot download $package"
  unpack "$work/kernel" linux-
  mkdir -p "$out" && mv "$work/kernel.packages" "$out.packages"
  image=$(find "$work/kernel" \( -path '*/boot/vmlinuz-*' -o -path '*/modules/*/vmlinuz' \) -type f -print -quit)
  [ -n "$image" ] || die "no kernel in $package"
  payload "$image" "$out/vmlinux" || die "cannot unpack the kernel of $package"
  cp "$image" "$out/vmlinuz"
  cp "${image/vmlinuz/config}" "$out/config" || exit 1
  for dir in "$work"/kernel/{,usr/}lib/modules/*/; do # trixie's package has them below /usr
    [ -d "$dir" ] || continue
    dir=${dir%/} target=$out/lib/modules/$(basename "$dir")
    basename "$dir" >"$out/release"
    copy_modules "$dir" "$target" $modules
    cp "$dir"/modules.{builtin,order} "$target/"
    copy_modules "$dir" "$work/kvm" kvm-amd
    mkdir -p "$out/kvm" && find "$work/kvm" -name '*.ko' -exec mv {} "$out/kvm/" \;
  done
  [ -s "$out/release" ] || die "no modules in $package"
  fetch busybox
  "$(component busybox)/busybox" depmod -b "$out" "$(cat "$out/release")" || die "depmod failed"
}

fetch_busybox() {
  private_apt "$work/apt" bookworm
  download busybox-static
  unpack "$work/busybox" busybox-static
  mkdir -p "$out" && mv "$work/busybox.packages" "$out.packages"
  cp "$work/busybox/bin/busybox" "$out/busybox"
}

fetch_igt_tools() {
  local programs
  private_apt "$work/apt" bookworm
  download intel-gpu-tools libdrm-tests
  unpack "$work/root" ''
  mv "$work/root.packages" "$out.packages"
  mapfile -t programs < <(cd "$work/root" && ls usr/bin/{modetest,modeprint,vbltest,lsgpu,igt_stats} \
    usr/bin/intel_{reg,gpu_top,gtt,dump_decode,error_decode,display_crc,watermark,forcewaked} usr/libexec/igt-gpu-tools/benchmarks/{gem_,kms_}* 2>/dev/null)
  closure "$work/root" "$out" "${programs[@]}"
  font "$work/root" "$out"
  mkdir -p "$out/usr/share/igt-gpu-tools" && cp -R "$work/root/usr/share/igt-gpu-tools/registers" "$out/usr/share/igt-gpu-tools/" || exit 1
}

fetch_igt() {
  local name programs=()
  private_apt "$work/apt" sid
  download igt-gpu-tools-tests igt-gpu-tools
  unpack "$work/root" ''
  mv "$work/root.packages" "$out.packages"
  for name in $igt_tests; do
    [ -x "$work/root/usr/libexec/igt-gpu-tools/$name" ] && programs+=("usr/libexec/igt-gpu-tools/$name")
  done
  closure "$work/root" "$out" usr/bin/igt_runner usr/bin/igt_results "${programs[@]}"
  font "$work/root" "$out"
  # What igt_runner takes for the list of tests that exist, and the subtests that Intel's basic acceptance tests have of them.
  printf 'TESTLIST\n%s\nEND TESTLIST\n' "$(printf '%s\n' "${programs[@]##*/}" | paste -s -d ' ')" >"$out/usr/libexec/igt-gpu-tools/test-list.txt"
  printf 'igt@%s\n' "${programs[@]##*/}" >"$work/names"
  awk -F @ 'NR == FNR { have[$2]; next } $2 in have' \
    "$work/names" "$work/root/usr/libexec/igt-gpu-tools/intel-ci-tests/i915/default/bat.testlist" >"$out/usr/libexec/igt-gpu-tools/bat.testlist" || exit 1
}

# The library that lets a program's clock run faster (igt.list). It needs no library but libc, an older one than IGT's.
fetch_faketime() {
  private_apt "$work/apt" bookworm
  download libfaketime
  unpack "$work/root" libfaketime
  mv "$work/root.packages" "$out.packages"
  install -D -m 644 "$(find "$work/root" -name libfaketimeMT.so.1 -print -quit)" -t "$out" || exit 1
}

fetch_mdevctl() {
  private_apt "$work/apt" trixie
  download mdevctl
  unpack "$work/root" mdevctl libc6 libgcc
  mv "$work/root.packages" "$out.packages"
  closure "$work/root" "$out" usr/bin/mdevctl
}

# Mesa's GL driver for Gen9 (iris) behind EGL, for programs that bring no library of their own but libc. What they load by name is listed here.
fetch_mesa() {
  local lib=usr/lib/x86_64-linux-gnu
  private_apt "$work/apt" "${1:-bookworm}"
  download libgl1-mesa-dri libegl-mesa0 libegl1 libgles2 libgbm1
  unpack "$work/root" ''
  mv "$work/root.packages" "$out.packages"
  closure "$work/root" "$out" $lib/libEGL.so.1 $lib/libGLESv2.so.2 $lib/libEGL_mesa.so.0 $lib/dri/iris_dri.so $(cd "$work/root" && ls $lib/libgallium-*.so 2>/dev/null)
  (cd "$work/root" && install -D -m 644 usr/share/glvnd/egl_vendor.d/50_mesa.json -t "$out/usr/share/glvnd/egl_vendor.d") || exit 1
}

fetch_mesa_25() { fetch_mesa trixie; }

# qmp-shell and the Python package qemu.qmp, which Debian has in QEMU's source only (24 MB, of which this is a small part).
fetch_qmp_shell() {
  private_apt "$work/apt" bookworm
  sed 's/^deb /deb-src /' "$work/apt/etc/sources.list" >"$work/sources" && cat "$work/sources" >>"$work/apt/etc/sources.list" || exit 1
  "${apt[@]}" update >"$work/apt/log" 2>&1 || skip "the Debian archive cannot be reached ($(grep -m 1 -E '^[EW]:' "$work/apt/log"))"
  (cd "$work" && "${apt[@]}" source --download-only --tar-only qemu >"$work/apt/log" 2>&1) || skip "cannot download QEMU's source ($(grep -m 1 '^E:' "$work/apt/log"))"
  mkdir -p "$out" && tar -xJf "$work"/qemu_*.orig.tar.xz -C "$out" --strip-components=1 --wildcards 'qemu-*/python/qemu' 'qemu-*/scripts/qmp' || die "cannot unpack QEMU's source"
  (cd "$work" && printf '%s\n' qemu_*.orig.tar.xz) >"$out.packages"
}

# fetch NAME: puts the component into the cache unless it is there.
fetch() {
  [ -d "$(component "$1")" ] || locked "$1" fetch_now "$1"
}

fetch_now() (
  suite='' # of a kernel
  [ ! -d "$(component "$1")" ] || exit 0 # another process was faster
  rm -rf "$cache/.$1".?????? # of an earlier process that was killed
  work=$(mktemp -d "$cache/.$1.XXXXXX") && trap 'rm -rf "$work"' EXIT || exit 1
  out=$work/out
  echo "Fetching $1 into the cache ..." >&2
  for name in "${!kernel_suite[@]}"; do
    [ "$1" != "$(kernel_component "$name")" ] || suite=${kernel_suite[$name]}
  done
  if [ -n "$suite" ]; then fetch_kernel "$suite"; else "fetch_${1//-/_}"; fi || exit
  mv "$out.packages" "$out/packages.list"
  chmod 755 "$out"
  mv -T "$out" "$(component "$1")"
)

case ${1:-} in -h | --help) sed -n '3,4s/^# //p' "$0"; exit 0 ;; esac
[ $# -gt 0 ] || set -- busybox kernel kernel-6.12 qemu igt-tools igt faketime mdevctl
for what in "$@"; do [ -n "${recipe[$what]:-}" ] || usage_error "unknown component \"$what\" (${!recipe[*]})"; done
for what in "$@"; do fetch "$what" || exit; done
