#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boots the tests' kernel (build.sh) under vmm run, on a vGPU and on the whole model, and runs i915's live self-tests in it. Compares probe,
# mode set, user space and each self-test with selftests.list: what passed there must pass.
# Usage: selftest.sh VMM [--vgpu|--passthrough|--pair] [--only GROUP[/TEST]] [--all] [--update] [--keep DIRECTORY]
#   --pair    two VMs with a vGPU each of one GPU, at once, and the groups that take seconds (a minute or two; ./check runs this)
#   --all     tries those too that are known to fail     --update  writes results that the list does not have, and new passes, to it
#   --keep    leaves logs and configurations there       MEDIANT_KERNEL_TIMEOUT: seconds for a boot and its tests (900)
# Exit 77 skips: no KVM, or no kernel in the cache.
set -u
here=$(dirname "$(readlink -f "$0")")
program=${0##*/} list=$here/selftests.list timeout=${MEDIANT_KERNEL_TIMEOUT:-900}
usage() { echo "$program: $*" >&2; sed -n '5p' "$0" | cut -c3- >&2; exit 2; }

[ $# -ge 1 ] || usage "the program vmm is missing"
vmm=$1 variants=(passthrough vgpu) pair='' only='' all='' update='' dir=''
shift
while [ $# -gt 0 ]; do
  case $1 in
    --vgpu | --passthrough) variants=("${1#--}") ;;
    --pair) variants=() pair=1 ;;
    --only) only=${2:?} && shift ;;
    --all) all=1 ;;
    --update) update=1 ;;
    --keep) dir=${2:?} && mkdir -p "$dir" && shift ;;
    *) usage "unknown argument \"$1\"" ;;
  esac
  shift
done
. "$(dirname "$(readlink -f "$0")")/../../kvm.sh"
need_kvm
kernel=$("$here/build.sh" --cached) || { echo "$kernel"; exit 77; }
[ -n "$dir" ] || { dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT; }

# An initramfs of one file: the format "newc" is a header of hexadecimal numbers, name and data, each padded to 4 bytes.
entry() {
  local name=$1 mode=$2 file=$3 size=0 pad
  [ -z "$file" ] || size=$(stat -c %s "$file")
  printf '070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x' 1 "$mode" 0 0 1 0 "$size" 0 0 0 0 $((${#name} + 1)) 0
  printf '%s\0' "$name"
  pad=$(((4 - (110 + ${#name} + 1) % 4) % 4)) && head -c $pad /dev/zero
  [ -z "$file" ] || cat "$file"
  pad=$(((4 - size % 4) % 4)) && head -c $pad /dev/zero
}
gcc -O2 -static -nostdlib -ffreestanding -fno-pic -no-pie -fno-stack-protector -Wl,-Ttext-segment=0x400000 -o "$dir/init" "$here/init.c" || exit 1
{ entry init $((0100755)) "$dir/init"; entry 'TRAILER!!!' 0 ''; } >"$dir/initrd"

# Left out: making the files of sysfs for parameters and caches takes 25 seconds on a KVM that emulates kernel code, a test of a hash function 10.
vgpu_type=i915-GVTg_V5_4
skipped=param_sysfs_init,slab_sysfs_init,blake2s_mod_init

# section NAME GPU LOG PARAMETERS: a VM's section of a configuration.
section() {
  cat <<INI
[vm $1]
kernel = $kernel/vmlinux
initrd = $dir/initrd
cmdline = console=ttyS0 reboot=pci panic=-1 tsc=reliable no_timer_check noirqdebug initcall_blacklist=$skipped $4
memory = 256M
gpu = $2
serial = $3
INI
}

# run_vms: runs $dir/vm.ini.
run_vms() {
  "$vmm" run --timeout "$timeout" "$dir/vm.ini" >"$dir/vmm.log" 2>&1 </dev/null
  echo "vmm: exit code $?" >>"$dir/vmm.log"
}

# boot VARIANT PARAMETERS: runs the VM; its log is $dir/log, its screen $dir/screen.png.
boot() {
  local gpu=passthrough
  [ "$1" = passthrough ] || gpu=$vgpu_type
  { section linux "$gpu" "$dir/log" "$2"; echo "screenshot = $dir/screen.png"; } >"$dir/vm.ini"
  rm -f "$dir/log" "$dir/screen.png"
  run_vms
  boots=$((boots + 1))
  cp "$dir/log" "$dir/log-$1-$boots"
}

# results [LOG]: "NAME RESULT" lines of $dir/log. PASS, SKIP (the test says so), WARN (the kernel complained meanwhile), FAIL:ERROR, and for the test
# that the log ends in CRASH, or TIMEOUT when the time was over.
results() {
  local end=CRASH
  grep -q 'exit code 124' "$dir/vmm.log" && end=TIMEOUT
  tr -d '\r' <"${1:-$dir/log}" | awk -v end=$end '
    function done(result) { if (test != "") print test, result; test = "" }
    function passed() { done(warn ? "WARN" : skip ? "SKIP" : "PASS"); warn = skip = 0 }
    /cut here|BUG:|Oops/ { warn = 1 }
    /Initialized i915 / { print "probe PASS" }
    /Console: switching to colour frame buffer/ { print "modeset PASS" }
    /Run \/init as init process/ { passed(); ended = 1 }
    /init: user space runs/ { print "userspace PASS" }
    /i915: Running [a-z0-9_]+$/ { passed(); group = $NF; if (group == "sanitycheck") test = group; next }
    /i915: Running [a-z0-9_]+\/[A-Za-z0-9_]+$/ { passed(); split($NF, part, "/"); test = group "/" part[2]; next }
    /i915\/[a-z0-9_]+: [A-Za-z0-9_]+ failed with error/ { done("FAIL:" $NF); failed = 1 }
    /i915\/[a-z0-9_]+: setup failed for / { test = group "/" $NF; done("FAIL:setup"); failed = 1 }
    /probe of .* failed with error/ { if (!failed) { if (test == "") test = group; done("FAIL:" $NF) } failed = 1 }
    tolower($0) ~ /skip/ { skip = 1 }
    END { if (!ended && !failed) { if (test == "" && group != "") test = group; done(end) } }'
}

# boot_screen VARIANT: without self-tests; the console sets a mode, a small one: each of its pixels is an access to the aperture, which exits.
boot_screen() {
  boot "$1" video=640x480
  results >>"$dir/$1"
}

known() { awk -v name="$1" -v variant="$2" '$1 == name && $2 == variant { print $3; exit }' "$list"; }

# run_variant VARIANT: boots until each group was run; "NAME RESULT" into $dir/VARIANT.
run_variant() {
  local variant=$1 group name result filter exclude=() todo=() parameters last
  while read -r group parameters; do
    [ -z "$only" ] || [ "${only%%/*}" = "$group" ] || continue
    todo+=("$group")
  done <"$kernel/groups"
  [ ${#todo[@]} -gt 0 ] || usage "no group of self-tests \"$only\""
  if [ -z "$all" ]; then
    while read -r name _ result _; do
      [ "$result" = PASS ] || [ "$result" = SKIP ] || [ "$name" = "${name%/*}" ] || exclude+=("$name")
    done < <(awk -v variant="$variant" '$1 !~ /^#/ && $2 == variant' "$list" 2>/dev/null)
  fi
  while [ ${#todo[@]} -gt 0 ]; do
    filter=''
    for name in "${exclude[@]}"; do filter+=",!${name##*/}"; done
    case $only in */*) filter=",${only##*/}" ;; esac
    boot "$variant" "$(self_tests "${filter#,}" "${todo[@]}")"
    results >"$dir/part"
    cat "$dir/part" >>"$dir/$variant"
    echo "# $variant, boot $boots: $(grep -c ' PASS$' "$dir/part") passed, $(tail -n 1 "$dir/vmm.log"); $(tail -n 1 "$dir/part")"
    grep -q 'Run /init as init process' "$dir/log" && ! grep -q ' FAIL' "$dir/part" && break
    # The last one failed: go on behind it.
    last=$(awk '$2 ~ /^(FAIL|CRASH|TIMEOUT)/ { print $1 }' "$dir/part" | tail -n 1)
    [ -n "$last" ] || { echo "$program: the kernel did not get to i915's self-tests:"; tail -n 15 "$dir/log" "$dir/vmm.log"; return 1; }
    case $only in */*) break ;; esac
    while [ ${#todo[@]} -gt 0 ] && [ "${todo[0]}" != "${last%%/*}" ]; do todo=("${todo[@]:1}"); done
    case $last in # what passed of its group is not run again
      */*)
        while read -r name; do exclude+=("$name"); done < <(awk -v group="${last%%/*}/" 'index($1, group) == 1 { print $1 }' "$dir/part")
        ;;
      *) todo=("${todo[@]:1}") ;;
    esac
  done
}

# self_tests FILTER GROUP...: the kernel's parameters for these groups of self-tests.
self_tests() {
  local filter=$1 parameters='drm_kms_helper.fbdev_emulation=0 i915.live_selftests=1 i915.st_timeout=100 i915.st_random_seed=1' group
  shift
  for group in "$@"; do parameters+=" $(awk -v name="$group" '$1 == name { print $2 "=1" }' "$kernel/groups")"; done
  echo "$parameters i915.st_filter=$filter"
}

# missing NUMBER: what VM NUMBER of the pair has to pass and has not yet.
missing() {
  awk -v groups=" ${pair_groups[*]} " '
    FNR == NR { passed[$1] = $2 == "PASS" || passed[$1]; next }
    $1 !~ /^#/ && $2 == "vgpu" && $3 == "PASS" && !passed[$1] {
      split($1, part, "/")
      if ($1 == "probe" || $1 == "userspace" || index(groups, " " part[1] " ")) print $1
    }' "$dir/pair$1" "$list"
}

# run_pair: two VMs, each with its vGPU; each must pass what a VM alone is known to pass of these groups. The tests give their requests 200 ms, which
# a busy machine with emulated kernel code does not always keep, and the kernel runs no test behind a failed one: what is missing gets two more boots.
# Not workarounds: it has the most of them.
pair_groups=(sanitycheck uncore gt_engines gt_timelines gt_contexts gt_mocs requests)
run_pair() {
  local try number name filter todo
  echo '# none' >"$dir/pair1"
  cp "$dir/pair1" "$dir/pair2"
  for try in 1 2 3; do
    printf '[gpu]\naperture = 512M\n' >"$dir/vm.ini"
    for number in 1 2; do
      todo=$(missing $number)
      [ -n "$todo" ] || todo=$(grep ' PASS$' "$dir/pair$number" | cut -d ' ' -f 1)
      filter=''
      for name in $todo; do [ "$name" = "${name%/*}" ] || filter+=",${name##*/}"; done
      section "linux$number" $vgpu_type "$dir/log$number" "$(self_tests "${filter#,}" "${pair_groups[@]}")" >>"$dir/vm.ini"
    done
    rm -f "$dir/log1" "$dir/log2"
    run_vms
    [ -e "$dir/log1" ] && [ -e "$dir/log2" ] || { cat "$dir/vmm.log"; return 1; }
    for number in 1 2; do
      results "$dir/log$number" >>"$dir/pair$number"
      echo "boot $try, VM $number: $(grep ' PASS$' "$dir/pair$number" | sort -u | wc -l) passed, $(missing $number | wc -l) to go; $(tail -n 1 "$dir/vmm.log")"
    done
    [ -n "$(missing 1)$(missing 2)" ] || return 0
  done
  for number in 1 2; do
    for name in $(missing $number); do
      echo "FAIL: VM $number: $name: $(awk -v name="$name" '$1 == name { result = $2 } END { print result == "" ? "did not run" : result }' "$dir/pair$number")"
    done
    tail -n 15 "$dir/log$number"
  done
  cat "$dir/vmm.log"
  return 1
}

status=0
[ -e "$list" ] || { echo "$program: no $list" >&2; exit 2; }
[ -z "$pair" ] || { run_pair && status=0 || status=1; }
for variant in "${variants[@]}"; do
  boots=0
  : >"$dir/$variant"
  [ -n "$only" ] || boot_screen "$variant"
  run_variant "$variant" || { status=1; continue; }
  # The last result of a name counts; probe and the others are in each boot's log.
  tac "$dir/$variant" | awk '!seen[$1]++' | tac >"$dir/unique" && mv "$dir/unique" "$dir/$variant"
  while read -r name result; do
    was=$(known "$name" "$variant")
    printf '%-12s %-40s %s%s\n' "$variant" "$name" "$result" "$([ "$was" = "$result" ] || echo " (list: ${was:-not there})")"
    if [ "$was" = PASS ] && [ "$result" != PASS ]; then
      echo "FAIL: $name on $variant passed before"
      status=1
    elif [ -n "$update" ] && [ -z "$was" ]; then
      echo "$name $variant $result" >>"$list"
    elif [ -n "$update" ] && [ "$was" != PASS ] && [ "$result" = PASS ]; then
      sed -i "s,^$name $variant .*,$name $variant PASS," "$list"
    fi
  done <"$dir/$variant"
  # A test that passed and did not even run is no pass.
  while read -r name _; do
    grep -q "^$name " "$dir/$variant" || { echo "FAIL: $name on $variant did not run"; status=1; }
  done < <(awk -v variant="$variant" -v only="$only" \
    '$1 !~ /^#/ && $2 == variant && $3 == "PASS" && (only == "" || $1 == only || index($1, only "/") == 1)' "$list")
done
exit $status
