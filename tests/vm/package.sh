#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `cmake --install` and the Debian package hold: manual pages, completion, systemd unit, and a program that runs from there. Usage: package.sh BUILD-DIRECTORY
# What needs a tool that is not here (mandoc, lintian, systemd-analyze, dpkg) is left out with a line that says so; installs nothing on the host.
set -u
build=$(readlink -f "$1")
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 1
failed=0 checks=0
ok() { checks=$((checks + 1)); }
bad() { echo "FAIL: $*"; failed=1; }
without() { echo "SKIP: $1 is not installed (see MEDIANT_TEST_PACKAGES in cmake/packages.sh): $2 is not checked"; }
have() { command -v "$1" >/dev/null; }
# silent WHAT COMMAND...: the command succeeds and says nothing.
silent() {
  local what=$1 said
  shift
  if said=$("$@" 2>&1) && [ -z "$said" ]; then ok; else bad "$what: $said"; fi
}

# The sanitizers' builds are no packages.
case $(sed -n 's/^MEDIANT_SANITIZE:[A-Z]*=//p' "$build/CMakeCache.txt") in
  ?*) echo "SKIP: a build with sanitizers is not packed (use the preset default)"; exit 77 ;;
esac

DESTDIR=$work/tree cmake --install "$build" --prefix /usr >"$work/log" 2>&1 || { cat "$work/log"; echo "FAIL: cmake --install"; exit 1; }
tree=$work/tree
usr=$tree/usr
for file in bin/vmm share/man/man1/vmm.1.gz share/man/man5/vmm.ini.5.gz share/bash-completion/completions/vmm lib/systemd/system/vmm@.service \
  lib/sysusers.d/mediant.conf share/doc/mediant/README.md share/doc/mediant/copyright share/doc/mediant/examples/served.ini; do
  if [ -s "$usr/$file" ]; then ok; else bad "cmake --install: no usr/$file"; fi
done
[ "$("$usr/bin/vmm" --version)" = "$("$build/bin/vmm" --version)" ] && ok || bad "the installed vmm does not say its version"

# Manual pages: what the program says now, and clean.
gzip -dc "$usr/share/man/man1/vmm.1.gz" | diff - <("$build/bin/vmm" help --man) >/dev/null && ok || bad "vmm.1 is not what vmm help --man prints"
if have mandoc; then
  for page in vmm.1 vmm.ini.5; do
    gzip -dc "$usr/share/man/man${page##*.}/$page.gz" >"$work/$page"
    # The other page is not where mandoc looks for it.
    said=$(mandoc -T lint "$work/$page" | grep -v 'referenced manual not found: Xr vmm')
    if [ -z "$said" ]; then ok; else bad "mandoc -T lint: $said"; fi
  done
  # Every key and command has its entry.
  text=$(mandoc -T ascii "$work/vmm.ini.5" | col -b 2>/dev/null || mandoc -T ascii "$work/vmm.ini.5" | sed 's/.\x08//g')
  for key in $("$build/bin/vmm" help config | sed -n 's/^  \([a-z_]*\) .*/\1/p'); do
    grep -qE "^ +$key\b" <<<"$text" && ok || bad "vmm.ini(5) does not tell of $key"
  done
else
  without mandoc "the manual pages' form"
fi

# completion WORD...: what is offered for the last word.
completion() {
  bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _vmm 2>/dev/null; printf "%s\n" "${COMPREPLY[@]}"' - \
    "$usr/share/bash-completion/completions/vmm" "$@"
}
offers() {
  local want=$1
  shift
  completion "$@" | grep -qxF -- "$want" && ok || bad "completion of '$*' does not offer $want: $(completion "$@" | tr '\n' ' ')"
}
offers serve vmm se
offers --once vmm serve --o
offers gpu.aperture= vmm run -o gpu.ap
offers config vmm help co
offers undefine vmm mdev un
(cd "$usr/share/doc/mediant/examples" && completion vmm run ser | grep -qx served.ini) && ok || bad "completion of vmm run ser does not offer served.ini"
[ -z "$(completion vmm types --nothing)" ] && ok || bad "completion offers what does not exist"

# Readiness: one datagram when the sockets are there.
cat >"$work/served.ini" <<EOF
[vgpu alpha]
type = i915-GVTg_V5_8
socket = $work/alpha.sock
EOF
if have python3; then
  python3 - "$work/notify" "$usr/bin/vmm" "$work/served.ini" "$work/alpha.sock" <<'EOF' && ok || bad "vmm serve does not say READY=1"
import os, signal, socket, subprocess, sys
path, vmm, ini, served = sys.argv[1:]
ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ready.bind(path)
ready.settimeout(60)
vmm = subprocess.Popen([vmm, "serve", ini], env=dict(os.environ, NOTIFY_SOCKET=path), stdout=subprocess.DEVNULL)
said = ready.recv(100)
there = os.path.exists(served)
vmm.send_signal(signal.SIGTERM)
sys.exit(not (said == b"READY=1" and there and vmm.wait() == 0))
EOF
else
  without python3 "readiness"
fi

for unit in vmm vmm-mdev; do
  grep -qx 'ExecStart=vmm serve /etc/mediant/%i.ini' "$usr/lib/systemd/system/$unit@.service" && ok || bad "$unit@.service starts something else"
  sed "s|^ExecStart=vmm|ExecStart=$usr/bin/vmm|" "$usr/lib/systemd/system/$unit@.service" >"$work/$unit@test.service"
  # The manual pages are not installed here, which --man=no takes out of what is looked at.
  if have systemd-analyze; then silent "systemd-analyze verify" systemd-analyze verify --man=no "$work/$unit@test.service"; fi
done
if have systemd-analyze; then
  exposure=$(systemd-analyze security --offline=true --no-pager "$work/vmm@test.service" 2>&1 | sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\) .*/\1/p')
  awk -v e="${exposure:-10}" 'BEGIN { exit !(e <= 2) }' && ok || bad "systemd-analyze security: an exposure of ${exposure:-unknown}, above 2"
else
  without systemd-analyze "the systemd units"
fi

if have dpkg-deb && have dpkg-shlibdeps; then
  (cd "$work" && cpack --config "$build/CPackConfig.cmake" -G DEB -B "$work/deb" >"$work/log" 2>&1) || { cat "$work/log"; bad "cpack"; }
  deb=$(echo "$work"/deb/mediant_*.deb)
  depends=$(dpkg-deb -f "$deb" Depends)
  for library in libc6 libglib2.0 libseccomp2 libslirp0; do
    [[ $depends == *$library* ]] && ok || bad "the package does not depend on $library: $depends"
  done
  dpkg-deb -x "$deb" "$work/unpacked"
  "$work/unpacked/usr/bin/vmm" check "$work/served.ini" >/dev/null && ok || bad "vmm check does not run from the unpacked package"
  "$work/unpacked/usr/bin/vmm" check "$work/unpacked/usr/share/doc/mediant/examples/served.ini" >/dev/null && ok || bad "an example of the package is refused"
  "$work/unpacked/usr/bin/vmm" serve -t 0.1 "$work/served.ini" >/dev/null 2>&1
  [ $? -eq 124 ] && ok || bad "vmm serve does not run from the unpacked package"
  if have lintian; then
    silent lintian lintian --allow-root --fail-on error,warning "$deb"
  else
    without lintian "the package's form"
  fi
  # Into a root of its own, as far as that goes without one: no user of this host is made, nothing started.
  root=$work/root
  mkdir -p "$root"/var/lib/dpkg/{info,updates} "$root/etc"
  : >"$root/var/lib/dpkg/status"
  if [ "$(id -u)" -eq 0 ]; then
    run_dpkg() { dpkg --root="$root" --force-depends --force-script-chrootless "$@" >"$work/log" 2>&1 || { cat "$work/log"; false; }; }
    run_dpkg -i "$deb" && [ -x "$root/usr/bin/vmm" ] && ok || bad "dpkg -i"
    if have systemd-sysusers; then grep -q '^mediant:' "$root/etc/passwd" && ok || bad "dpkg -i has not made the user mediant"; fi
    run_dpkg -r mediant && [ ! -e "$root/usr/bin/vmm" ] && ok || bad "dpkg -r"
  else
    echo "SKIP: not root (run it as root): dpkg -i and dpkg -r are not tried"
  fi
else
  without dpkg-dev "the Debian package"
fi

echo "$checks checks passed"
exit $failed
