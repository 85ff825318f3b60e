#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Screens by VNC under vmm run: what a stock client captures is what the screenshot has, pixel by pixel; several viewers, changes, modes, keyboard and pointer,
# passwords, viewers that do not read, ports that are taken. Usage: vnc.sh VMM GUEST-DIRECTORY CLIENT; exit 77 skips without KVM or gvnccapture.
set -u
vmm=$1 guests=$2 client=$3
. "$(dirname "$(readlink -f "$0")")/../../kvm.sh"
need_kvm
if ! command -v gvnccapture >/dev/null; then
  echo "SKIP: gvnccapture is not there (apt-get install gvncviewer)"
  exit 77
fi
dir=$(mktemp -d)
run=
failures=0
# shellcheck disable=SC2317 # the trap calls it
finish() {
  [ -n "$run" ] && kill "$run" 2>/dev/null
  wait
  rm -rf "$dir"
}
trap finish EXIT

# check NAME COMMAND...: prints PASS or FAIL with what the command said.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "PASS: $name"
  else
    printf 'FAIL: %s\n%s\n' "$name" "$output"
    tail -n 20 "$dir/log" | sed 's/^/  | /'
    failures=$((failures + 1))
  fi
}
# eventually COMMAND...: within ten seconds.
eventually() {
  for _ in $(seq 100); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  "$@"
}
ended() { cat "$2"; return "$1"; }
said() { grep -Eq -- "$1" "$dir/log" || { echo "vmm did not say: $1"; return 1; }; }
viewer() { timeout 60 "$client" "$port" "$@"; }
# start KEY=VALUE...: a run of the guest alpha; its screen is at $port.
start() {
  printf '[vm alpha]\nimage = %s/screen.elf\nmemory = 96M\ngpu = i915-GVTg_V5_4\nscreenshot = %s/shot.png\nvnc = %s\n' "$guests" "$dir" "$port" >"$dir/run.ini"
  printf '%s\n' "$@" >>"$dir/run.ini"
  "$vmm" run --timeout 200 "$dir/run.ini" >"$dir/log" 2>&1 </dev/null &
  run=$!
  check "it tells where the screen is" eventually said "guest alpha: screen at 127.0.0.1:$port \(VNC\)"
}
stop() {
  kill "$run" 2>/dev/null
  wait "$run"
  run=
}
screenshot() {
  rm -f "$dir/shot.png"
  kill -USR1 "$run"
  eventually test -s "$dir/shot.png"
  sleep 0.2
}
# A port that nobody listens at, as a display number of VNC's: gvnccapture takes nothing else.
number=$((100 + RANDOM % 4000))
while ss -Hltn 2>/dev/null | grep -q ":$((5900 + number)) "; do number=$((number + 1)); done
port=$((5900 + number))

echo "# A still picture, by several clients"
start "mode = 1280x720@75" "args = seconds=190"
check "the guest shows it" eventually said 'screen: shows 1280x720'
check "a viewer waits for it" viewer size 1280x720 pixel 0,0=ffffff pixel 210,235=ffff00 shot "$dir/first.png"
screenshot
check "gvnccapture" timeout 30 gvnccapture -q "127.0.0.1:$number" "$dir/capture.png"
check "its pixels are the screenshot's" "$client" compare "$dir/capture.png" "$dir/shot.png"
check "and the viewer's" "$client" compare "$dir/first.png" "$dir/shot.png"
for encoding in raw zrle tight zlib; do
  VNC_ENCODINGS=$encoding check "by $encoding" viewer pixel 0,0=ffffff pixel 210,235=ffff00 pixel 1279,719=ffffff shot "$dir/$encoding.png"
  check "its pixels" "$client" compare "$dir/$encoding.png" "$dir/shot.png"
done

echo "# Changes, seen by two viewers; keyboard and pointer"
viewer pixel 110,110=20c020 pixel 260,110=20c060 size 640x480 pixel 0,0=ffffff shot "$dir/other.png" sleep 500 >"$dir/watcher.log" 2>&1 &
watcher=$!
check "memory that nobody told the display of" viewer type w pixel 110,110=20c020 type w pixel 260,110=20c060
check "the key arrived" said 'screen: key 17 1'
check "the cursor follows the pointer" viewer move 600,400,0 pixel 610,435=ffff00 other 210,235=ffff00
check "a button and a wheel" viewer move 600,400,1 move 600,400,0 move 600,400,8 move 600,400,0 sleep 300
check "they arrived" eventually said 'screen: button 110 0'
check "the wheel too" eventually said 'screen: wheel 8 1'
check "a symbol without its Shift" viewer type '!' sleep 300
check "is pressed with it" eventually said 'screen: key 42 1'
check "another mode" viewer type m size 640x480 pixel 0,0=ffffff sleep 300 shot "$dir/small.png"
screenshot
check "its pixels are the screenshot's" "$client" compare "$dir/small.png" "$dir/shot.png"
wait "$watcher"
check "the other viewer saw all of it" ended $? "$dir/watcher.log"
check "and its pixels" "$client" compare "$dir/other.png" "$dir/shot.png"
check "back again, and a flip" viewer type m size 1280x720 pixel 0,0=ffffff type f pixel 6,6=010280

echo "# Viewers that do not behave"
viewer stall 60000 >"$dir/stall.log" 2>&1 &
stalled=$!
check "others go on" viewer type w pixel 410,110=20c0a0 type w pixel 110,110=20c0e0
wait "$stalled"
check "one that does not read is hung up on" ended $? "$dir/stall.log"
check "which is told" eventually said 'guest alpha: vnc: a viewer was dropped: it did not read'
for text in '\x16\x03\x01\x02\x00\x01' 'GET / HTTP/1.1\r\n\r\n' '\x00\x00\x00\x00' 'RFB 999.999\n\xff\xff\xff\xff\xff'; do
  (
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    # shellcheck disable=SC2059
    printf "$text" >&3
    timeout 1 cat <&3 >/dev/null
  ) 2>/dev/null
done
check "what is no VNC does no harm" viewer pixel 0,0=ffffff
# hold: a viewer that stays for a while. A place may still be taken by one of those before, whose end the screen has yet to see.
hold() {
  local pid
  trap 'kill $pid; exit' TERM
  while :; do
    viewer pixel 0,0=ffffff sleep 8000 &
    pid=$!
    wait $pid && return
    sleep 0.2
  done
}
holders=()
for _ in 1 2 3 4 5 6 7 8; do
  hold >/dev/null 2>&1 &
  holders+=($!)
done
sleep 2
check "a ninth viewer is turned away" bash -c "! timeout 5 '$client' $port pixel 0,0=ffffff"
check "which is told" eventually said 'a viewer was turned away: 8 are there'
kill "${holders[@]}" 2>/dev/null
wait "${holders[@]}" 2>/dev/null
check "afterwards there is room again" eventually viewer pixel 0,0=ffffff
printf '[vm beta]\nimage = %s/hello.elf\ngpu = i915-GVTg_V5_4\nvnc = %s\n' "$guests" "$port" >"$dir/taken.ini"
check "a port in use is an error at the start" bash -c "'$vmm' run --timeout 5 '$dir/taken.ini' 2>&1 | grep -F '[vm beta] vnc: port $port of 127.0.0.1 is in use'"
check "a vGPU that fails" viewer type x size 1024x768 sleep 500 shot "$dir/failed.png"
check "is said" eventually said 'guest alpha: vGPU disabled'
stop

echo "# Before the guest's driver, with a password, in a socket"
printf 'secret\n' >"$dir/password"
chmod 600 "$dir/password"
start "vnc_password = $dir/password" "args = dark=3 seconds=190 width=800 height=600"
check "words first, then the picture" env VNC_PASSWORD=secret timeout 30 "$client" "$port" size 1024x768 sleep 300 shot "$dir/waiting.png" size 800x600 pixel 0,0=ffffff
check "a wrong password" bash -c "! VNC_PASSWORD=wrong timeout 20 '$client' $port sleep 100"
check "none" bash -c "! timeout 20 '$client' $port sleep 100"
check "the right one again" env VNC_PASSWORD=secret timeout 20 "$client" "$port" pixel 0,0=ffffff
check "a guest leaves by a key" env VNC_PASSWORD=secret timeout 20 "$client" "$port" type q
wait "$run"
run=
check "and is gone" said 'guest alpha: shut down'

echo "# A served vGPU, its screen in a socket"
printf '[vgpu beta]\ntype = i915-GVTg_V5_8\nsocket = gpu.sock\nmode = 800x600\nscreenshot = shot.png\nvnc = unix:beta.vnc\n' >"$dir/serve.ini"
printf '[vm alpha]\nimage = %s/screen.elf\nmemory = 96M\ngpu = vfio-user:gpu.sock\nargs = seconds=190\n' "$guests" >"$dir/client.ini"
"$vmm" serve "$dir/serve.ini" >"$dir/log" 2>&1 </dev/null &
run=$!
check "it tells where the screen is" eventually said "guest beta: screen at unix:$dir/beta.vnc \(VNC\)"
check "words before a guest is there" timeout 30 "$client" "$dir/beta.vnc" size 1024x768
"$vmm" run --timeout 100 "$dir/client.ini" >"$dir/guest.log" 2>&1 </dev/null &
guest=$!
check "then its picture" timeout 30 "$client" "$dir/beta.vnc" size 800x600 pixel 0,0=ffffff pixel 210,235=ffff00 type q move 5,5,1 sleep 300 shot "$dir/served.png"
screenshot
check "its pixels are the screenshot's" "$client" compare "$dir/served.png" "$dir/shot.png"
check "what is typed goes nowhere" kill -0 "$guest"
kill "$guest"
wait "$guest"
check "words again when it has gone" timeout 30 "$client" "$dir/beta.vnc" size 1024x768
stop
check "the socket is gone" test ! -e "$dir/beta.vnc"
echo "# A vGPU that comes while others are served, with its screen"
if command -v python3 >/dev/null; then
  export XDG_RUNTIME_DIR=$dir/run
  mkdir -p "$XDG_RUNTIME_DIR"
  qmp() { "${0%/*}/../qmp.py" "$dir/control.sock" "$@"; } # COMMAND ARGUMENTS WORDS: the answer has the words
  # Nothing of it was needed at the start: libraries and fonts must be there all the same when the sandbox lets nobody load them.
  printf '[vmm]\ncontrol = control.sock\n[vgpu beta]\ntype = i915-GVTg_V5_8\nsocket = gpu.sock\n' >"$dir/serve.ini"
  "$vmm" serve "$dir/serve.ini" >"$dir/log" 2>&1 </dev/null &
  run=$!
  check "nobody has a screen" eventually qmp query-status '{}' return
  check "the first screen comes late" qmp device_add '{"name": "late", "type": "i915-GVTg_V5_8", "vnc": "unix:late.vnc"}' "unix:$XDG_RUNTIME_DIR/mediant/late.vnc"
  check "and has its words" timeout 30 "$client" "$XDG_RUNTIME_DIR/mediant/late.vnc" size 1024x768
  stop
  printf '[gpu]\naperture = 1G\n[vmm]\ncontrol = control.sock\n[vgpu beta]\ntype = i915-GVTg_V5_8\nsocket = gpu.sock\nvnc = unix:beta.vnc\n' >"$dir/serve.ini"
  "$vmm" serve "$dir/serve.ini" >"$dir/log" 2>&1 </dev/null &
  run=$!
  check "the first one is there" eventually said "guest beta: screen at unix:$dir/beta.vnc"
  check "the control socket is there" eventually qmp query-status '{}' return
  check "one by a port" qmp device_add "{\"name\": \"late\", \"type\": \"i915-GVTg_V5_8\", \"vnc\": \"$port\"}" "\"vnc\": \"127.0.0.1:$port\""
  check "one by a socket" qmp device_add '{"name": "later", "type": "i915-GVTg_V5_8", "vnc": "unix:later.vnc"}' "unix:$XDG_RUNTIME_DIR/mediant/later.vnc"
  check "a port that is taken" qmp device_add "{\"name\": \"bad\", \"type\": \"i915-GVTg_V5_8\", \"vnc\": \"$port\"}" 'is in use'
  check "one that others reach" qmp device_add '{"name": "bad", "type": "i915-GVTg_V5_8", "vnc": "0.0.0.0:5999"}' 'no password can be given here'
  check "a socket elsewhere" qmp device_add "{\"name\": \"bad\", \"type\": \"i915-GVTg_V5_8\", \"vnc\": \"unix:$dir/bad.vnc\"}" 'is not in'
  check "which leaves nothing" qmp device_add '{"name": "bad", "type": "i915-GVTg_V5_8"}' 'bad.sock'
  check "and can be taken away" qmp device_del '{"name": "bad"}' return
  check "words before a guest is there" viewer size 1024x768
  printf '[vm alpha]\nimage = %s/screen.elf\nmemory = 96M\ngpu = vfio-user:%s/mediant/late.sock\nargs = seconds=190 width=800 height=600\n' "$guests" "$XDG_RUNTIME_DIR" >"$dir/client.ini"
  "$vmm" run --timeout 100 "$dir/client.ini" >"$dir/guest.log" 2>&1 </dev/null &
  guest=$!
  check "then its picture" timeout 30 "$client" "$port" size 800x600 pixel 0,0=ffffff pixel 210,235=ffff00
  check "the other one has its own" timeout 30 "$client" "$XDG_RUNTIME_DIR/mediant/later.vnc" size 1024x768
  viewer size 800x600 sleep 20000 >/dev/null 2>&1 &
  holder=$!
  sleep 1
  check "one with a guest and a viewer goes" qmp device_del '{"name": "late"}' return
  wait "$holder"
  kill "$guest" # it goes on without a vGPU
  wait "$guest"
  check "nobody listens there any more" bash -c "! timeout 5 '$client' $port size 1024x768"
  for i in $(seq 12); do
    qmp device_add "{\"name\": \"round$i\", \"type\": \"i915-GVTg_V5_8\", \"vnc\": \"$port\"}" return >"$dir/answer" || { cat "$dir/answer"; check "round $i" false; }
    viewer size 1024x768 >/dev/null 2>&1 || check "a viewer in round $i" false
    qmp device_del "{\"name\": \"round$i\"}" return >/dev/null || check "the end of round $i" false
  done
  check "the first one's screen goes with it" qmp device_del '{"name": "beta"}' return
  check "and its socket" test ! -e "$dir/beta.vnc"
  stop
  check "no socket is left" test ! -e "$XDG_RUNTIME_DIR/mediant/later.vnc"
fi
[ -n "${KEEP-}" ] && cp "$dir"/*.png "$KEEP"
exit $((failures > 0))
