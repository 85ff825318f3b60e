#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boots a stock Debian kernel under QEMU (TCG, no KVM) with our vGPU behind a vfio-user socket, runs a job in it and exits with the job's status.
# 124: timeout; 125: the guest ended without a status; 77: parts are neither cached nor to be fetched; 2: usage. See usage() for the options.
set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/common.sh"

usage() {
  cat <<'TEXT'
Usage: qemu.sh [OPTION]... [-- QEMU-ARGUMENT...]
  --socket PATH          vfio-user socket of the server, which listens already; without it the guest has no GPU
  --opregion FILE        what vmm opregion wrote, for the guest's firmware
  --no-posted-writes     the guest waits for each write to the device: what it writes through the aperture is in memory when it looks there
  --job SCRIPT           shell script for the guest (functions: guest.sh); its status becomes ours
  --file FILE[:PATH]     file for the guest, at PATH or in its root; a program brings its libraries; may be repeated
  --kernel NAME          Debian's kernel: 6.1 (bookworm; the default), 6.12 (trixie) or sid (the newest when it was fetched)
  --image NAME           layer on top of base: tools, igt, mesa (of bookworm), mesa-25 (of trixie), or a cpio file; may be repeated
  --memory SIZE          RAM (512M)
  --smp N                vCPUs (1)
  --host-cpu N           CPU of the host that all of QEMU runs on (any)
  --append TEXT          more kernel command line
  --timeout SECONDS      (300)
  --log FILE             copy of the guest's results, which go to standard output
  --dmesg FILE           the kernel's log
  --monitor PATH         socket for QEMU's monitor
TEXT
}

socket='' posted='' memory=512M smp=1 layers=() job='' files=() log='' dmesg='' append='' limit=300 monitor='' opregion='' host_cpu=() kernel=6.1 extra=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --no-posted-writes) posted=',"x-no-posted-writes":true'; shift; continue ;;
    --) shift; extra=("$@"); break ;;
    --socket | --opregion | --memory | --smp | --host-cpu | --kernel | --image | --job | --file | --log | --dmesg | --append | --timeout | --monitor)
      [ $# -ge 2 ] || usage_error "$1 needs a value" ;;&
    --socket) socket=$(readlink -f "$2") ;;
    --opregion) opregion=$2 ;;
    --memory) memory=$2 ;;
    --smp) smp=$2 ;;
    --host-cpu) host_cpu=(taskset -c "$2") ;;
    --kernel) kernel=$2 ;;
    --image) layers+=("$2") ;;
    --job) job=$2 ;;
    --file) files+=("$2") ;;
    --log) log=$2 ;;
    --dmesg) dmesg=$2 ;;
    --append) append=$2 ;;
    --timeout) limit=$2 ;;
    --monitor) monitor=$2 ;;
    *) usage_error "unknown option $1 (--help lists them)" ;;
  esac
  shift 2
done
[ -n "${kernel_suite[${kernel:-none}]:-}" ] || usage_error "no kernel \"$kernel\" (${!kernel_suite[*]})"
[ -z "$job" ] || [ -r "$job" ] || usage_error "$job: cannot be read"
[ -z "$opregion" ] || [ -r "$opregion" ] || usage_error "$opregion: cannot be read"
[ -z "$socket" ] || [ -S "$socket" ] || usage_error "$socket: no socket there"

parts=(qemu "$(kernel_component "$kernel")" busybox)
for layer in ${layers[@]+"${layers[@]}"}; do
  case $layer in
    tools) parts+=(igt-tools) ;;
    igt | mesa | mesa-25) parts+=("$layer") ;;
  esac
done
"$here/fetch.sh" "${parts[@]}" || exit
work=$(mktemp -d) || exit 1
pid=''
# shellcheck disable=SC2329
finish() {
  [ -z "$pid" ] || { kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; }
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

initrd=()
for layer in "base-$kernel" ${layers[@]+"${layers[@]}"}; do
  case $layer in
    base-* | tools | igt | mesa | mesa-25) layer=$("$here/image.sh" "$layer") || exit ;;
    *) [ -r "$layer" ] || usage_error "$layer: no such layer or file" ;;
  esac
  initrd+=("$layer")
done
if [ -n "$job" ]; then
  "$here/image.sh" job "$work/job.cpio" "$job" ${files[@]+"${files[@]}"} || exit
  initrd+=("$work/job.cpio")
fi
cat "${initrd[@]}" >"$work/initrd" || exit 1

# The kernel's log is not printed as it comes, but all of it is kept. A busy host must not make the TSC look unstable, and the self-tests of the
# kernel's crypto are a fifth of its boot. Where a processor has fast string moves, the kernel's memcpy() is one that moves bytes: four to eight times as many
# messages for what it copies through the aperture, as it does for an error state.
cmdline="console=tty0 console=ttyS1 loglevel=1 log_buf_len=4M panic=-1 tsc=reliable cryptomgr.notests"
root=$(component qemu)
binary=$root/usr/bin/qemu-system-x86_64 libraries=$root/usr/lib/x86_64-linux-gnu
qemu=("$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries" --argv0 "$binary" "$binary"
  -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" -L "$root/usr/lib/ipxe/qemu"
  -nodefaults -no-user-config -display none -vga none -no-reboot
  -accel tcg -cpu max,erms=off,fsrm=off -smp "$smp" -m "$memory" -M q35,memory-backend=ram -object "memory-backend-memfd,id=ram,size=$memory,share=on"
  -kernel "$(component "$(kernel_component "$kernel")")/vmlinux" -initrd "$work/initrd"
  -append "$cmdline $append"
  -serial stdio -serial "file:$work/dmesg")
[ -z "$monitor" ] || qemu+=(-monitor "unix:$monitor,server=on,wait=off")
[ -z "$socket" ] || qemu+=(-device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"'"$socket"'"},"addr":"02.0","x-msg-timeout":60000'"$posted"'}')
[ -z "$opregion" ] || qemu+=(-fw_cfg "name=etc/igd-opregion,file=$opregion")
qemu+=(${extra[@]+"${extra[@]}"})

# If this shell dies by whatever signal, so does timeout, and with it QEMU.
export QEMU_MODULE_DIR=$libraries/qemu
mkfifo "$work/results"
tee -p "$work/log" <"$work/results" &
tee=$!
setpriv --pdeathsig TERM timeout -k 5 "$limit" ${host_cpu[@]+"${host_cpu[@]}"} setpriv --pdeathsig KILL "${qemu[@]}" </dev/null >"$work/results" &
pid=$!
wait "$pid"
status=$?
pid=''
wait "$tee"

# The guest's log as dmesg prints it: complete if the guest came to its end, else the records of /dev/kmsg that it sent until then.
if grep -aqx '=== end ===' "$work/dmesg" 2>/dev/null; then
  sed -n '/^=== dmesg ===$/,/^=== end ===$/{/^===/!p}' "$work/dmesg" >"$work/dmesg.text"
else
  tr -d '\r' <"$work/dmesg" 2>/dev/null | awk '
    match($0, /^[0-9]+,[0-9]+,[0-9]+,[^;]*;/) { split($0, f, ","); printf "[%12.6f] %s\n", f[3] / 1000000, substr($0, RLENGTH + 1); next }
    !/^ [A-Z]+=/' >"$work/dmesg.text"
fi
[ -z "$log" ] || cp "$work/log" "$log"
[ -z "$dmesg" ] || cp "$work/dmesg.text" "$dmesg"

result=$(tail -n 1 "$work/log" | sed -n 's/.*JOB \([0-9]*\)$/\1/p')
[ -z "$result" ] || exit "$result"
case $status in
  124 | 137) result=124 && echo "$program: no result after $limit seconds" >&2 ;;
  *) result=125 && echo "$program: the guest ended without a result (QEMU's status: $status)" >&2 ;;
esac
[ -n "$dmesg" ] || tail -n 20 "$work/dmesg.text" >&2
exit "$result"
