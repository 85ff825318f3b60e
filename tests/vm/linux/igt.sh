#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# IGT's own tests (igt.list) in stock Debian guests on one served GPU, against the results that are known (igt.expected). Usage:
# igt.sh VMM [--full|--alone|--long|--whole|--direct] [--update] [--only TEST]... ; --full runs the list's quick and full lines, the others those of that name, --update writes what was found. Fails when the results are
# worse (igt_judge.sh), or when a kernel complains. Exit 77 where the images cannot be had.
set -u
vmm=$1
shift
. "$(dirname "$(readlink -f "$0")")/lib.sh"
when=quick update='' only=()
while [ $# -gt 0 ]; do
  case $1 in
    --full) when=all ;;
    --alone | --long | --whole | --direct) when=${1#--} ;;
    --update) update=1 ;;
    --only) only+=("$2"); shift ;;
    *) echo "igt.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift
done
need qemu kernel kernel-6.12 busybox igt faketime
. "$linux/common.sh"

# A guest for each kernel, at the same time, unless the list has nothing for it. What is long copies a part of the aperture through the aperture, where each access is a message: it gets the smallest
# aperture.
guests=(6.1 6.12)
declare -A name=([6.1]=alpha [6.12]=beta) type=([6.1]=i915-GVTg_V5_4 [6.12]=i915-GVTg_V5_8)
# What goes through the aperture has to be in memory when the test looks, so writes wait for their answer; but 6.1's tests that run alone are about time, not about the aperture.
declare -A writes=([6.1]=--no-posted-writes [6.12]=--no-posted-writes)
aperture=512M memory=2G limit=1200 line_limit=2400
case $when in
  all) memory=7G limit=21600 ;;
  alone) limit=7200 writes[6.1]='' ;;
  whole) type[6.12]=passthrough limit=7200 ;;
  direct) limit=7200 line_limit=5400 ;;
  long) type[6.1]=i915-GVTg_V5_8 aperture=256M limit=14400 line_limit=7200 ;;
esac
# label KERNEL: its name in igt.expected.
label() { case $when in whole | direct) echo "$1-$when" ;; *) echo "$1" ;; esac; }
run=() vgpus=()
for guest in "${guests[@]}"; do
  {
    echo STEP_TIMEOUT=${SUBTESTS_TIMEOUT:-$line_limit}
    echo "step i915 load_i915"
    echo "modprobe vgem" # some tests want a second device
    while read -r w k test pattern rest; do
      read -ra settings <<<"$rest"
      case $w in '#'* | '') continue ;; esac
      [ "$k" = "$guest" ] || continue
      case $w in
        quick | full) [ $when = quick ] || [ $when = all ] || continue ;;
        *) [ $when = "$w" ] || continue ;; # those have guests of their own
      esac
      if [ ${#only[@]} -gt 0 ]; then
        case " ${only[*]} " in *" $test "*) ;; *) continue ;; esac
      else
        [ $when != quick ] || [ "$w" = quick ] || continue
      fi
      [ "$pattern" != all ] || pattern=
      allowed='' dynamic=''
      printf 'IGT_CLOCK= IGT_DYNAMIC= IGT_SIMULATION=\n'
      for setting in "${settings[@]}"; do
        case $setting in
          clock=*) echo "IGT_CLOCK=${setting#clock=}" ;;
          dynamic=*) dynamic=${setting#dynamic=}; echo "IGT_DYNAMIC='$dynamic'" ;;
          simulation) echo IGT_SIMULATION=1 ;;
          # What the test does on purpose shows in the kernel's log; dmesg_clean looks at the rest.
          hangs) allowed='GPU HANG|context reset' ;;
          gives-up) allowed='GPU HANG|context reset|Fence expiration|[Ww]edged' ;;
          slow-crc) allowed='Overflow of CRC buffer' ;;
          *) echo "igt.list: $test: unknown setting \"$setting\"; the list's first lines say which there are" >&2; exit 2 ;;
        esac
      done
      echo "$(label "$guest") $test ${pattern:-*} ${dynamic:-*}" >>"$work/asked"
      printf 'igt_subtests %s %s\nstep dmesg-%s dmesg_clean %s\n' "$test" "${pattern:+'$pattern'}" "$test" "${allowed:+'$allowed'}"
    done <"$linux/igt.list"
    echo "rm -f /tmp/failed" # the host judges
  } >"$work/$guest.job" || exit
  if grep -q '^igt_subtests' "$work/$guest.job"; then run+=("$guest") vgpus+=("${name[$guest]}=${type[$guest]}"); fi
done
[ ${#run[@]} -gt 0 ] || { echo "igt.sh: igt.list has no such test: ${only[*]}" >&2; exit 2; }
# vmm_guest NAME KERNEL JOB: a guest of vmm run, where KVM has hardware virtualization; then what it said is in $work/NAME.log, as if it had been QEMU's guest. Its aperture is its own memory, without
# traps, where no fence tiles.
vmm_guest() {
  local name=$1 kernel=$2 job=$3 base igt
  base=$("$linux/image.sh" "base-$kernel") && igt=$("$linux/image.sh" igt) &&
    "$linux/image.sh" job "$work/$name.cpio" "$job" "$(component faketime)/libfaketimeMT.so.1:/igt/faketime.so" || { fail "no image for the guest"; result; }
  cat "$base" "$igt" "$work/$name.cpio" >"$work/$name.initrd"
  { printf '[gpu]\nbackend = model\naperture = 256M\n[vm %s]\nkernel = /guest/vmlinuz\ninitrd = /guest/initrd\nmemory = %s\nvcpus = 1\ngpu = %s\n' "$name" "$memory" "${type[$kernel]}"
    echo "cmdline = console=ttyS0 quiet loglevel=1 nowatchdog rdinit=/init"; } >"$work/$name.ini"
  echo '/vmm run /vmm.ini 2>&1' >"$work/$name.host"
  (
    GUEST_KERNEL=$kernel on_kvm "$work/$name.host" --file "$work/$name.ini:/vmm.ini" --file "$work/$name.initrd:/guest/initrd" --memory 4G --timeout "${IGT_TIMEOUT:-$limit}" --log "$work/$name.host.log"
    status=$?
    tr -d '\r' <"$work/$name.host.log" | grep -v '^vmm: ' >"$work/$name.log"
    [ "$(grep -cx 'JOB 0' "$work/$name.log")" -eq 2 ] && exit $status # the guest's and the host's
    exit 1
  ) >"$work/$name.out" 2>&1 &
  children+=($!)
  eval "guest_$name=$!"
}

[ $when = direct ] || APERTURE=$aperture serve "${vgpus[@]}"
for guest in "${run[@]}"; do
  if [ $when = direct ]; then
    vmm_guest "${name[$guest]}" "$guest" "$work/$guest.job"
    continue
  fi
  # No console, which would be slow when writes wait.
  guest "${name[$guest]}" --kernel "$guest" --image igt --memory "${IGT_MEMORY:-$memory}" --job "$work/$guest.job" ${writes[$guest]} \
    --file "$(component faketime)/libfaketimeMT.so.1:/igt/faketime.so" --append fbcon=map:1 --timeout "${IGT_TIMEOUT:-$limit}"
  [ $when != alone ] || guest_result "${name[$guest]}" >"$work/$guest.result" # before the next begins
done
for guest in "${run[@]}"; do
  [ $when = alone ] || guest_result "${name[$guest]}" >"$work/$guest.result"
  sed -n '/^\(PASS\|FAIL\): guest/,$p' "$work/$guest.result" # and, if it failed, its last words
  # RESULT KERNEL TEST@SUBTEST REASON, without times.
  sed -n 's/^\[[a-z]*\] \(PASS\|FAIL\|SKIP\) \([^ ]*@[^ ]*\)\(.*\)$/\1 '"$(label "$guest")"' \2\3/p' "$work/$guest.result" | sed -E 's/^(PASS [^ ]+ [^ ]+) .*/\1/' >>"$work/found"
  grep '^\[[a-z]*\] AGAIN' "$work/$guest.result" # failed with a fast clock, so run again with the true one
  sed -n 's/^\[[a-z]*\] \(FAIL dmesg.*\|    .*\)$/\1/p' "$work/$guest.result" | tee "$work/$guest.dmesg-failures"
  if grep -q '^FAIL dmesg' "$work/$guest.dmesg-failures"; then fail "the kernel $guest complained"; fi
done
[ $when = direct ] || stop_server

expected=$linux/igt.expected
if [ -n "$update" ] && [ -s "$work/found" ]; then # a guest that never came up has nothing to say
  { head -n 3 "$expected" 2>/dev/null | grep '^#'; { grep -v '^#' "$expected" 2>/dev/null | awk 'NR == FNR { seen[$2 $3] = 1; next } $1 == "TIMING" || !($2 $3 in seen)' "$work/found" -
    grep '^TIMING' "$expected" | awk 'NR == FNR { timing[$2 $3] = 1; next } !($2 $3 in timing)' - "$work/found"; } | sort -u -k2,3; } >"$expected.new"
  mv "$expected.new" "$expected"
fi
awk '{ n[$1]++ } END { printf "igt: %d passed, %d failed, %d skipped\n", n["PASS"], n["FAIL"], n["SKIP"] }' "$work/found"
# What a reader of the log can do about each skip: IGT's own words name a line of its source.
awk -F ' [|] ' 'NR == FNR { if ($0 !~ /^#/) meaning[$1] = $2; next } $0 !~ /^SKIP/ { next }
  { why = "UNEXPLAINED: add a line to tests/vm/linux/igt.skips"; for (words in meaning) if (index($0, words)) why = meaning[words]; print $0 "\n    " why }' \
  "$linux/igt.skips" "$work/found" | tee "$work/skips"
! grep -q UNEXPLAINED "$work/skips" || fail "a subtest is skipped for a reason that nobody has explained"
[ -s "$work/found" ] || fail "no result"
"$linux/igt_judge.sh" "$expected" "$work/found" "$work/asked" || fail "results are worse than tests/vm/linux/igt.expected"
result
