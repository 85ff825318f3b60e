#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The control socket of real runs, sandbox on: our commands, and raw messages (python3); qmp_shell.sh has QEMU's clients.
# Usage: control.sh VMM GUEST-DIRECTORY; exit 77 skips without KVM.
set -u
vmm=$(readlink -f "$1") guests=$(readlink -f "$2")
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$dir"' EXIT
export XDG_RUNTIME_DIR=$dir
failures=0
fail() { printf 'FAIL: %s\n' "$*"; failures=$((failures + 1)); }

# expect CODE REGEX COMMAND...: the command returns CODE and some line of its output matches REGEX.
expect() {
  local code=$1 regex=$2 output status
  shift 2
  output=$(timeout 60 "$@" 2>&1 </dev/null)
  status=$?
  if [ "$status" -ne "$code" ] || ! grep -Eq -- "$regex" <<<"$output"; then
    fail "$* (exit code $status, expected $code and a line like $regex):"
    printf '%s\n' "$output"
  else
    echo "PASS: ${*/#$dir\//}"
  fi
}
# until_true COMMAND...: waits up to 20 s.
until_true() {
  for _ in $(seq 400); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done
  fail "never: $*"
}
milliseconds() { date +%s%3N; }

# Without a VMM.
expect 2 "no VMM answers in $dir/mediant/control \(start one with --control auto" "$vmm" ps
expect 2 'none.sock: No such file or directory: is vmm run or serve running' "$vmm" ps --control "$dir/none.sock"
expect 2 'weight=x: "x" is not a number|no VMM answers' "$vmm" set alpha weight=x
expect 2 '\-\-interval is not between' "$vmm" top --interval 0
expect 2 '\-\-timeout is not between' "$vmm" stop --timeout -1 alpha
expect 2 'an argument is missing \(usage: vmm screenshot NAME FILE.png\)' "$vmm" screenshot alpha

# Served vGPUs need no KVM.
cat >"$dir/served.ini" <<INI
[vmm]
control = served.sock
[vgpu one]
type = i915-GVTg_V5_8
weight = 3
socket = one.sock
INI
"$vmm" serve "$dir/served.ini" >"$dir/served.log" 2>&1 &
served=$!
until_true test -S "$dir/served.sock"
expect 0 '^600$' stat -c %a "$dir/served.sock"
expect 0 '^one +waiting +i915-GVTg_V5_8 +3 ' "$vmm" ps --control "$dir/served.sock"
expect 0 '' "$vmm" set --control "$dir/served.sock" one weight=5 policy=round-robin
expect 0 '"weight" : 5' "$vmm" ps --json --control "$dir/served.sock"
expect 0 '' "$vmm" set --control "$dir/served.sock" one gpu_cap=40 class=latency
expect 0 '"gpu_cap" : 40' "$vmm" ps --json --control "$dir/served.sock"
expect 2 'gpu_capp=1: unknown key \(did you mean gpu_cap\?\)' "$vmm" set --control "$dir/served.sock" one gpu_capp=1
expect 0 'policy round-robin' "$vmm" top --once --interval 0.2 --control "$dir/served.sock"
expect 1 'run by others' "$vmm" pause --control "$dir/served.sock" one
expect 1 'run by others' "$vmm" reset --control "$dir/served.sock" one
expect 1 'argument weight is not between 1 and 256' "$vmm" set --control "$dir/served.sock" one weight=999
expect 1 'none of fair, ' "$vmm" set --control "$dir/served.sock" one policy=nice
expect 2 'wait: not of the form KEY=VALUE|wait: not known' "$vmm" set --control "$dir/served.sock" one wait
expect 2 'there is no guest two' "$vmm" pause --control "$dir/served.sock" two
expect 2 'control: socket .*/served.sock: another server listens there' "$vmm" serve -o "one.socket=$dir/two.sock" "$dir/served.ini"
kill -KILL $served
{ wait $served; } 2>/dev/null
expect 2 'nobody listens there any more' "$vmm" ps --control "$dir/served.sock"
rm -f "$dir/one.sock"
expect 2 'control: socket .*/served.sock: is left over from a server that is gone \(rm ' "$vmm" serve "$dir/served.ini"
expect 2 'control: socket /nonexistent/x: No such file' "$vmm" serve --control /nonexistent/x "$dir/served.ini"

. "$(dirname "$(readlink -f "$0")")/../kvm.sh"
if ! kvm_usable; then
  echo "SKIP: $kvm_missing"
  [ "$failures" -eq 0 ] && exit 77
  exit 1
fi

cat >"$dir/three.ini" <<INI
[vmm]
control = auto
[vm alpha]
image = $guests/draw.elf
memory = 64M
gpu = i915-GVTg_V5_8
weight = 3
args = name=ALPHA seconds=600
serial = none
[vm button]
image = $guests/end.elf
args = how=button
serial = $dir/button.txt
[vm spin]
image = $guests/end.elf
args = how=spin
vcpus = 2
serial = $dir/spin.txt
INI
"$vmm" run "$dir/three.ini" >"$dir/run.log" 2>&1 </dev/null &
run=$!
begin=$(milliseconds)
until_true grep -q 'waiting for the power button' "$dir/button.txt"
until_true grep -q 'spinning' "$dir/spin.txt"
expect 0 "^alpha +running +i915-GVTg_V5_8 +3 +$dir/mediant/control/three.sock" "$vmm" ps
expect 0 '^button +running +none +- ' "$vmm" ps
until_true "$vmm" screenshot alpha "$dir/first.png"
expect 0 'PNG' head -c 4 "$dir/first.png"
expect 1 'three.sock: .*' "$vmm" screenshot spin "$dir/none.png"
expect 1 '/nonexistent/x.png: cannot be written' "$vmm" screenshot alpha /nonexistent/x.png

# Paused: nothing moves, and no time passes for the guest.
expect 0 '' "$vmm" pause alpha
expect 0 '' "$vmm" pause alpha
expect 0 '' "$vmm" pause button
expect 0 '' "$vmm" pause spin
expect 0 '^alpha +paused ' "$vmm" ps
expect 0 '^spin +paused ' "$vmm" ps
paused=$(milliseconds)
sleep 0.5 # the GPU ends what it has
"$vmm" screenshot alpha "$dir/one.png"
sleep 1
"$vmm" screenshot alpha "$dir/two.png"
cmp -s "$dir/one.png" "$dir/two.png" && echo "PASS: a paused guest draws nothing" || fail "a paused guest has drawn"
expect 0 '^alpha +paused +3 +100% +0%' "$vmm" top --once --interval 0.2
resumed=$(milliseconds)
for guest in alpha button spin; do expect 0 '' "$vmm" resume $guest; done
expect 0 '^alpha +running ' "$vmm" ps
sleep 0.3
"$vmm" screenshot alpha "$dir/three.png"
cmp -s "$dir/two.png" "$dir/three.png" && fail "a resumed guest draws nothing" || echo "PASS: a resumed guest draws"

# The power button: one guest cares, another does not.
expect 0 '' "$vmm" stop button
end=$(milliseconds)
expect 0 '^pressed after [0-9]+ ms' cat "$dir/button.txt"
seen=$(sed -n 's/^pressed after \([0-9]*\) ms.*/\1/p' "$dir/button.txt")
if [ -e /sys/module/kvm_intel ] || [ -e /sys/module/kvm_amd ]; then
  [ "${seen:-999999}" -le $((end - begin - (resumed - paused) + 100)) ] && echo "PASS: the guest saw ${seen} ms of $((end - begin)) ms" ||
    fail "the guest saw $seen ms, $((end - begin)) ms passed, it was paused for $((resumed - paused)) ms"
fi
expect 0 '^button +shut down ' "$vmm" ps
expect 1 'guest button has ended' "$vmm" pause button
expect 1 'guest spin has not shut down within 0.2 s \(vmm stop --force spin ends it\)' "$vmm" stop --timeout 0.2 spin

# A reset: the guest begins again, also one that spins on two CPUs, one that is paused, and one that draws; many of them.
spun() { [ "$(grep -c spinning "$dir/spin.txt")" -eq "$1" ]; }
expect 0 '' "$vmm" reset spin
until_true spun 2
expect 0 '' "$vmm" pause spin
expect 0 '' "$vmm" reset spin
sleep 0.3
expect 0 '^2$' grep -c spinning "$dir/spin.txt"
expect 0 '' "$vmm" resume spin
until_true spun 3
for _ in $(seq 20); do "$vmm" reset spin || fail "a reset was refused"; done
for _ in 1 2 3; do
  expect 0 '' "$vmm" reset alpha
  sleep 0.2
done
until_true grep -q 'guest alpha: reset' "$dir/run.log"
until_true "$vmm" screenshot alpha "$dir/again.png"
expect 0 '^alpha +running ' "$vmm" ps
expect 1 'guest button has ended' "$vmm" reset button

# vmm top: piped, as JSON, and on a terminal of 80x24, which it leaves as it was.
expect 0 '^GUEST +STATE +WEIGHT' "$vmm" top --once --interval 0.2
expect 0 '^TRAPS/S' timeout --preserve-status -s INT 1 "$vmm" top --interval 0.3
expect 0 '^alpha +running +3 +100%' "$vmm" top --once --interval 0.2
expect 0 '"frames_per_s"' "$vmm" top --once --json --interval 0.2
if command -v script >/dev/null; then
  { sleep 1; printf q; sleep 1; } | timeout 20 script -qec "stty rows 24 cols 80; '$vmm' top --interval 0.2; echo code \$?; stty -a" "$dir/terminal.txt" >/dev/null 2>&1
  tr -d '\r' <"$dir/terminal.txt" >"$dir/terminal.plain"
  expect 0 'alpha +running' cat "$dir/terminal.plain"
  expect 0 '^.*code 0$' cat "$dir/terminal.plain"
  expect 0 '[^-]icanon.*|^icanon' cat "$dir/terminal.plain"
  expect 0 '\[\?1049l' cat "$dir/terminal.plain"
fi

# Raw messages and events.
if command -v python3 >/dev/null; then
  cat >"$dir/raw.py" <<'PY'
import json, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(20)
connection.connect(sys.argv[1])
lines = connection.makefile("rb")
def receive(): return json.loads(lines.readline())
def send(text): connection.sendall(text.encode())
assert receive()["QMP"]["capabilities"] == []
send('{"execute": "stop"}\n')
assert receive()["error"]["class"] == "CommandNotFound"
send('{"execute": "qmp_capabilities", "id": [1]}')
assert receive() == {"return": {}, "id": [1]}
send('{"execute": \nthis is no JSON\n')
assert receive()["error"]["class"] == "GenericError" and receive()["error"]["class"] == "GenericError"
send('{"execute": "stop", "arguments": {"name": "alpha"}, "id": 2}')
def answer_and(event):
    got = [receive(), receive()]
    assert {"return": {}, "id": 2} in got, got
    told = [m for m in got if m.get("event") == event]
    assert told and told[0]["data"] == {"name": "alpha"} and told[0]["timestamp"]["seconds"] > 0, got
answer_and("STOP")
send('{"execute": "cont", "arguments": {"name": "alpha"}, "id": 2}')
answer_and("RESUME")
send('{"execute": "system_reset", "arguments": {"name": "spin"}, "id": 2}')
got = [receive(), receive()]
assert {"return": {}, "id": 2} in got, got
assert any(m.get("event") == "RESET" and m["data"] == {"name": "spin", "guest": False, "reason": "host-qmp-system-reset"} for m in got), got
send('{"execute": "query-status"}')
assert receive()["return"]["status"] == "running"
send('{"execute": "query-stats"}')
users = {u["name"]: u for u in receive()["return"]["users"]}
assert users["alpha"]["busy_ns"]["bcs0"] > 0 and users["alpha"]["frames"] > 0 and users["alpha"]["traps"]["elsp"] > 0, users["alpha"]
send('{"execute": "quit", "arguments": {"name": "spin"}}')
got = [receive(), receive()]
assert any(m.get("event") == "SHUTDOWN" and m["data"]["name"] == "spin" and m["data"]["reason"] == "host-stopped" for m in got), got
print("all answers were right")
PY
  expect 0 'all answers were right' python3 "$dir/raw.py" "$dir/mediant/control/three.sock"
fi

# Keyboard and tablet: by our commands and by QEMU's, to a guest that tells what it gets.
cat >"$dir/typed.ini" <<INI
[vmm]
control = $dir/typed.sock
[vm screen]
image = $guests/screen.elf
memory = 96M
gpu = i915-GVTg_V5_4
args = seconds=100
input = yes
serial = $dir/screen.txt
INI
"$vmm" run "$dir/typed.ini" >"$dir/typed.log" 2>&1 </dev/null &
typed=$!
until_true grep -q 'Mediant keyboard, Mediant tablet' "$dir/screen.txt"
until_true grep -q 'screen: shows' "$dir/screen.txt"
told() { tr -d '\r' <"$dir/screen.txt" | sed -n "s/^screen: \(key\|button\|wheel\|at\) /\1 /p" | paste -sd ,; }
typed_keys() { # TEXT: within ten seconds the guest has told exactly that since the last call
  for _ in $(seq 100); do
    [ "$(told)" = "${already-}$1" ] && break
    sleep 0.1
  done
  [ "$(told)" = "${already-}$1" ] && echo "PASS: the guest got $1" || fail "the guest got $(told), not ${already-}$1"
  already=$(told),
}
expect 0 '' "$vmm" key --control "$dir/typed.sock" screen ctrl-alt-f2 0x1e
typed_keys 'key 29 1,key 56 1,key 60 1,key 60 0,key 56 0,key 29 0,key 30 1,key 30 0'
expect 0 '' "$vmm" type --control "$dir/typed.sock" screen 'Hi!
'
typed_keys 'key 42 1,key 35 1,key 35 0,key 42 0,key 23 1,key 23 0,key 42 1,key 2 1,key 2 0,key 42 0,key 28 1,key 28 0'
expect 1 'there is no key ctr \(did you mean ctrl\?\)' "$vmm" key --control "$dir/typed.sock" screen ctr-c
expect 2 'no key for the character U\+4E00' "$vmm" type --control "$dir/typed.sock" screen '一'
expect 2 'keymap is no keyboard layout' "$vmm" type --control "$dir/typed.sock" --keymap nowhere screen x
expect 2 'hold is not between' "$vmm" key --hold -1 screen x
if command -v python3 >/dev/null; then
  cat >"$dir/type.py" <<'PY'
import json, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(20)
connection.connect(sys.argv[1])
lines = connection.makefile("rb")
lines.readline()
def ask(command, **arguments):
    connection.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
    return json.loads(lines.readline())
assert ask("qmp_capabilities") == {"return": {}}
key = lambda name: {"type": "qcode", "data": name}
for _ in range(2): # without the name, as QEMU's clients
    assert ask("send-key", **{"keys": [key("shift"), key("a")], "hold-time": 20}) == {"return": {}}
assert ask("send-key", keys=[key("unmapped")])["error"]["class"] == "GenericError"
assert "device" in ask("input-send-event", device="video0", events=[])["error"]["desc"]
connection.sendall(b'{"execute": "send-key", "arguments": {"keys": [' + b'{"type": "number", "data": 30},' * 3000 + b"]}}\n")
assert json.loads(lines.readline())["error"]["class"] == "GenericError"
assert ask("query-status")["return"]["running"] is True
PY
  expect 0 '' python3 "$dir/type.py" "$dir/typed.sock"
  typed_keys 'key 42 1,key 30 1,key 30 0,key 42 0,key 42 1,key 30 1,key 30 0,key 42 0'
  cat >"$dir/point.py" <<'PY'
import json, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
lines = connection.makefile("rb")
button = lambda name, down: {"type": "btn", "data": {"down": down, "button": name}}
events = [{"type": "abs", "data": {"axis": "x", "value": 32767}}, {"type": "abs", "data": {"axis": "y", "value": 0}},
          button("left", True), button("left", False), button("wheel-down", True), button("wheel-down", False)]
for command in {"execute": "qmp_capabilities"}, {"execute": "input-send-event", "arguments": {"events": events}}:
    lines.readline()
    connection.sendall(json.dumps(command).encode())
assert json.loads(lines.readline()) == {"return": {}}
PY
  expect 0 '' python3 "$dir/point.py" "$dir/typed.sock"
  typed_keys 'button 110 1,button 110 0,wheel 8 -1,at 1919,0'
fi
expect 0 '' "$vmm" key --control "$dir/typed.sock" screen q
wait $typed
expect 0 '^0$' echo $?
expect 0 'guest screen: shut down' cat "$dir/typed.log"
expect 1 'run by others|has neither keyboard nor tablet' "$vmm" key alpha ret
expect 1 'guest button has ended' "$vmm" key button ret

# Several VMMs: names tell which one is meant.
sed -e 's/^\[vm spin\]/[vm other]/' -e '/^\[vm button\]/,/^serial/d' -e 's/^serial = .*spin.txt/serial = none/' "$dir/three.ini" >"$dir/more.ini"
"$vmm" run "$dir/more.ini" >"$dir/more.log" 2>&1 </dev/null &
more=$!
until_true test -S "$dir/mediant/control/more.sock"
expect 0 '^other +running' "$vmm" ps
expect 2 'alpha is a guest at .* and at .* \(choose by --control PATH\)' "$vmm" pause alpha
expect 2 'several VMMs run: choose by --control' "$vmm" top --once
expect 0 '' "$vmm" pause other
expect 0 '' "$vmm" stop --force other
expect 0 '' "$vmm" stop --force --control "$dir/mediant/control/more.sock" alpha
wait $more
expect 0 '^0$' echo $?

# The end, of a paused guest too.
expect 0 '' "$vmm" pause alpha
expect 0 '' "$vmm" stop --force alpha
"$vmm" stop --force spin 2>/dev/null
wait $run
expect 0 '^0$' echo $?
expect 0 '^vmm: guest alpha: stopped' cat "$dir/run.log"
expect 0 '^vmm: guest button: shut down' cat "$dir/run.log"
[ -e "$dir/mediant/control/three.sock" ] && fail "the socket is still there"

echo "$failures failures"
[ "$failures" -eq 0 ]
