# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by ./demo and ./check: install_packages NAME... installs the Debian packages that are missing, with sudo only if it must.

MEDIANT_BUILD_PACKAGES="gcc g++ cmake ninja-build pkg-config libglib2.0-dev libcapstone-dev libpciaccess-dev libpng-dev libcairo2-dev libjson-glib-dev
  zlib1g-dev liblzma-dev libzstd-dev liblz4-dev libbz2-dev libslirp-dev libseccomp-dev libfuse3-dev libvncserver-dev libxkbcommon-dev"
MEDIANT_TEST_PACKAGES="edid-decode gvncviewer libgtest-dev libdrm-dev xz-utils acpica-tools cppcheck clang-tidy fuse3 mandoc lintian dpkg-dev systemd python3 file"
MEDIANT_KERNEL_PACKAGES="gcc make flex bison bc libelf-dev xz-utils" # of tests/vm/kernel/build.sh

install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "Installing Debian packages: ${missing[*]}"
  local run=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Not root and no sudo: install these packages by hand, then run this again." >&2; return 1; }
    run=(sudo)
  fi
  "${run[@]}" apt-get update -q=2 || echo "apt-get update failed; trying with the package lists at hand" >&2
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q=2 -y --no-install-recommends "${missing[@]}" >/dev/null ||
    { echo "apt-get could not install: ${missing[*]}" >&2; return 1; }
}
