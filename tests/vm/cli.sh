#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line of vmm: exit codes, messages, several VMs in one process. Usage: cli.sh VMM GUEST-DIRECTORY; exit 77 skips without KVM.
set -u
vmm=$1 guests=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

# expect CODE REGEX COMMAND...: the command returns CODE and some line of its output matches REGEX.
expect() {
  local code=$1 regex=$2 output status
  shift 2
  output=$("$@" 2>&1 </dev/null)
  status=$?
  if [ "$status" -ne "$code" ] || ! grep -Eq -- "$regex" <<<"$output"; then
    printf 'FAIL: %s\n  exit code %s (expected %s), expected a line like %s, got:\n%s\n' "$*" "$status" "$code" "$regex" "$output"
    failures=$((failures + 1))
  else
    echo "PASS: ${*/#$dir\//}"
  fi
}

cat >"$dir/good.ini" <<INI
[vm alpha]
image = $guests/hello.elf
args = who=world
INI

expect 2 '^Usage: vmm COMMAND' "$vmm"
expect 0 '^Usage: vmm COMMAND' "$vmm" --help
expect 0 '^vmm \(Mediant\) [0-9]' "$vmm" --version
expect 2 'unknown command "rum" \(did you mean run\?\)' "$vmm" rum
expect 2 'unknown command "xyzzy" \(vmm help lists them\)' "$vmm" help xyzzy
for command in trace run serve ps top pause resume stop set screenshot check types mdev gpus opregion decode help; do
  expect 0 "vmm $command" "$vmm" $command --help
  expect 2 "vmm: $command: Unknown option --nonsense" "$vmm" $command --nonsense
done
expect 2 'vmm: run: an argument is missing \(usage: vmm run CONFIG.ini\)' "$vmm" run
expect 2 'vmm: check: too many arguments' "$vmm" check a b
expect 0 '^low_gm_size: 128MB$' "$vmm" types
expect 0 '^resolution: 1920x1200$' "$vmm" types
expect 0 '"name": "i915-GVTg_V5_8"' "$vmm" types --json
expect 0 'vfio' "$vmm" gpus
expect 0 '^\[' "$vmm" gpus --json
expect 0 '^$' "$vmm" opregion "$dir/opregion.bin"
expect 0 'IntelGraphicsMem' head -c 16 "$dir/opregion.bin"
expect 0 '^8192 ' wc -c "$dir/opregion.bin"
expect 2 'vmm: opregion: an argument is missing \(usage: vmm opregion FILE\)' "$vmm" opregion
expect 1 'vmm: .*/none/opregion.bin' "$vmm" opregion "$dir/none/opregion.bin"
expect 0 '^  disk NAME ' "$vmm" help config
expect 0 'aperture' "$vmm" help config
expect 0 '^\| `aperture` \| a size, 256M to 4G' "$vmm" help config --markdown
expect 0 '^  set-vgpu .*arguments: name, weight .optional., gpu_cap' "$vmm" help control
expect 0 '^\| `vmm_vgpu_busy_seconds_total` \| counter \| vm, engine \|' "$vmm" help metrics --markdown
expect 0 '^vmm_vgpu_weight  .*gauge' "$vmm" help metrics
expect 2 'vmm: help: --markdown is for vmm help config, control or metrics' "$vmm" help run --markdown
expect 0 'alpha: 64M of RAM, 1 vCPU, gpu none' "$vmm" check "$dir/good.ini"
expect 0 '"memory": 134217728' "$vmm" check --json -o alpha.memory=128M "$dir/good.ini"
expect 2 '^vmm: .*/none.ini: no such file$' "$vmm" check "$dir/none.ini"
expect 2 '^vmm: -o alpha.memory=12X: \[vm alpha\] memory: "12X" is not a size \(try 512M\)$' "$vmm" check -o alpha.memory=12X "$dir/good.ini"
expect 2 '\[observe\] metrics: "192.168.1.1:80" is not a port from 1 to 65535 of a loopback address \(try 127.0.0.1:9110\)' "$vmm" check -o observe.metrics=192.168.1.1:80 "$dir/good.ini"
expect 2 '\[observe\] metrics: "99999" is not a port' "$vmm" check -o observe.metrics=99999 "$dir/good.ini"
expect 0 'good.ini: ok' "$vmm" check -o 'observe.metrics=[::1]:9110' "$dir/good.ini"
# Devices of a VM, and what they need from the host.
truncate -s 1M "$dir/disk.img"
cat >"$dir/devices.ini" <<INI
[vm alpha]
image = $guests/hello.elf
args = who=world
disk root = disk.img, readonly
share files = ., readonly
net lan = user, isolated
pin = 0
INI
expect 0 '^alpha: disk root: .*/disk.img, readonly$' "$vmm" check "$dir/devices.ini"
expect 0 '^alpha: share files: .*, readonly$' "$vmm" check "$dir/devices.ini"
expect 0 '^alpha: net lan: user$' "$vmm" check "$dir/devices.ini"
expect 0 '"disks": \[\{"name": "root", "path": ".*/disk.img", "readonly": true, "direct": false\}\], "shares": \[\{"name": "files", "path": ".*", "readonly": true\}\], "nets": \[\{"name": "lan", "tap": null\}\]' "$vmm" check --json "$dir/devices.ini"
expect 0 '"image": null, "kernel": ".*/hello.elf", "initrd": null' "$vmm" check --json -o alpha.image= -o alpha.args= -o alpha.kernel="$guests/hello.elf" "$dir/good.ini"
expect 2 '\[vm alpha\] kernel: .*/none: no such file' "$vmm" check -o alpha.image= -o alpha.args= -o alpha.kernel="$dir/none" "$dir/good.ini"
expect 2 '\[vm alpha\] kernel: .*/disk.img: ' "$vmm" check -o alpha.image= -o alpha.args= -o alpha.kernel="$dir/disk.img" "$dir/good.ini"
cat >"$dir/served.ini" <<INI
[vgpu alpha]
type = i915-GVTg_V5_8
socket = $dir/alpha.sock
INI
expect 0 'alpha: i915-GVTg_V5_8 at .*/alpha.sock' "$vmm" check "$dir/served.ini"
expect 0 '"socket": ".*/alpha.sock"' "$vmm" check --json "$dir/served.ini"
expect 2 'vmm: run: .*/served.ini: it has no VM \(try vmm serve\)' "$vmm" run "$dir/served.ini"
expect 2 'vmm: serve: .*/good.ini: it has no vGPU \(try vmm run\)' "$vmm" serve "$dir/good.ini"
expect 124 '"path":".*/alpha.sock"' "$vmm" serve --timeout 0.3 "$dir/served.ini"
: >"$dir/alpha.sock"
expect 2 '\[vgpu alpha\] socket .*/alpha.sock: a file is there already' "$vmm" serve "$dir/served.ini"
rm "$dir/alpha.sock"
expect 2 'socket /nonexistent/x.sock: No such file or directory' "$vmm" serve -o alpha.socket=/nonexistent/x.sock "$dir/served.ini"
expect 1 'trace /nonexistent/t: No such file' "$vmm" serve --trace /nonexistent/t "$dir/served.ini"
"$vmm" serve "$dir/served.ini" >/dev/null 2>&1 &
for _ in $(seq 50); do [ -S "$dir/alpha.sock" ] && break; sleep 0.1; done
expect 2 'alpha.sock: another server listens there' "$vmm" serve "$dir/served.ini"
kill -KILL $!
wait $! 2>/dev/null
expect 2 'left over from a server that is gone \(rm .*/alpha.sock\)' "$vmm" serve "$dir/served.ini"
rm "$dir/alpha.sock"
expect 2 'the name ends neither in .svg nor in .png' "$vmm" run --timeline x.jpg "$dir/good.ini"
expect 2 'timeout is not between' "$vmm" run --timeout -1 "$dir/good.ini"
expect 1 '^vmm: .*/no-kvm: No such file or directory: load the kvm_intel or kvm_amd module' "$vmm" run --kvm "$dir/no-kvm" "$dir/good.ini"
expect 1 '^vmm: /dev/null: not a KVM device' "$vmm" run --kvm /dev/null "$dir/good.ini"

. "$(dirname "$(readlink -f "$0")")/../kvm.sh"
if ! kvm_usable; then
  echo "SKIP: $kvm_missing"
  [ "$failures" -eq 0 ] && exit 77
  exit 1
fi

expect 2 'gpu: /nonexistent/x.sock: ' "$vmm" run -o alpha.gpu=vfio-user:/nonexistent/x.sock "$dir/good.ini"
expect 2 'cannot write /nonexistent/x: No such file' "$vmm" run -o alpha.serial=/nonexistent/x "$dir/good.ini"
expect 0 'hello from a PVH guest to world' "$vmm" run "$dir/devices.ini"
expect 2 '\[vm alpha\] disk root: .*/none.img: ' "$vmm" run -o "alpha.disk root=$dir/none.img" "$dir/devices.ini"
expect 2 '\[vm alpha\] disk two: .*/disk.img: ' "$vmm" run -o "alpha.disk root=$dir/disk.img" -o "alpha.disk two=$dir/disk.img" "$dir/devices.ini"
expect 2 '\[vm alpha\] share files: .*/disk.img: Not a directory' "$vmm" run -o "alpha.share files=$dir/disk.img" "$dir/devices.ini"
expect 2 '\[vm alpha\] net lan: .*nonesuch0' "$vmm" run -o "alpha.net lan=tap:nonesuch0xxxxxxxx" "$dir/devices.ini"
expect 2 'pin: the host has no CPU 4095' "$vmm" run -o alpha.pin=4095 "$dir/devices.ini"

cat >"$dir/three.ini" <<INI
[vm good]
image = $guests/hello.elf
args = who=world
[vm bad]
image = $guests/end.elf
args = how=triple
[vm smp]
image = $guests/smp.elf
vcpus = 3
INI
# A VM that crashes stops alone; lines of several VMs carry their names.
expect 3 '^\[smp\] SUMMARY: [0-9]+ tests, 0 failures' "$vmm" run --timeout 30 "$dir/three.ini"
expect 3 '^vmm: guest good: shut down' "$vmm" run --timeout 30 "$dir/three.ini"
expect 3 '^vmm: guest bad: crashed: vCPU 0: triple fault' "$vmm" run --timeout 30 "$dir/three.ini"

# Serial output to a file; statistics without a GPU.
expect 0 'No guest has a vGPU' "$vmm" run --stats -o "alpha.serial=$dir/serial.txt" "$dir/good.ini"
expect 0 '^hello from a PVH guest to world' cat "$dir/serial.txt"

printf '0x10400002, 0x1000 0 0xabcd\n05000000\n' >"$dir/batch.txt"
expect 0 '^0x00002000: MI_STORE_DATA_IMM .*ggtt:0x1000\(w\)' "$vmm" decode --hex -a 0x2000 "$dir/batch.txt"
expect 0 '^0x00002010: MI_BATCH_BUFFER_END' "$vmm" decode --hex -a 0x2000 "$dir/batch.txt"
expect 2 'bytes are not whole dwords' "$vmm" decode "$dir/batch.txt"
expect 2 'there is no engine "bcs9"' "$vmm" decode -e bcs9 "$dir/batch.txt"
expect 2 'No such file' "$vmm" decode "$dir/none.bin"

# SIGTERM stops the guests: no failure.
cat >"$dir/spin.ini" <<INI
[vm spin]
image = $guests/end.elf
args = how=spin
serial = $dir/spin.txt
INI
"$vmm" run --timeout 30 "$dir/spin.ini" 2>"$dir/spin.log" </dev/null &
pid=$!
for _ in $(seq 100); do [ -s "$dir/spin.txt" ] && break; sleep 0.05; done
kill -TERM $pid
wait $pid
expect 0 '^0$' echo $?
expect 0 '^vmm: guest spin: stopped' cat "$dir/spin.log"

echo "$failures failures"
[ "$failures" -eq 0 ]
