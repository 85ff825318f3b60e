#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes what configs/debian.ini starts: a Debian system with its stock kernel, from Debian's archives, as a disk image for each VM. Takes some minutes and 2 GiB.
# Usage: configs/debian-images.sh [SUITE]   (bookworm; trixie has 6.12). As root, or as a user who may make user namespaces. Root's password is empty.
# Environment: INCLUDE=PACKAGE,...  more packages    SIZE=2G  of each disk
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
. cmake/packages.sh
suite=${1:-bookworm} out=configs/debian size=${SIZE:-2G}

install_packages mmdebstrap e2fsprogs
mkdir -p "$out"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
# Virtual disks are found by virtio_blk in the initrd; i915 is loaded by udev when the disk is mounted. DHCP serves "net NAME = user".
mmdebstrap --variant=apt --components=main,non-free-firmware \
  --include="linux-image-amd64,firmware-misc-nonfree,systemd-sysv,systemd-resolved,udev,kmod,login,iproute2,iputils-ping,pciutils,less${INCLUDE:+,$INCLUDE}" \
  --customize-hook='chroot "$1" passwd -d root' \
  --customize-hook='printf "[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n" >"$1/etc/systemd/network/wired.network"' \
  --customize-hook='chroot "$1" systemctl enable systemd-networkd' \
  --customize-hook='copy-out /boot '"$root" \
  "$suite" "$root/system.tar"
cp "$root"/boot/vmlinuz-* "$out/vmlinuz"
cp "$root"/boot/initrd.img-* "$out/initrd.img"
for name in alpha beta; do
  mkdir "$root/$name"
  tar -C "$root/$name" -xf "$root/system.tar"
  echo $name >"$root/$name/etc/hostname"
  printf '127.0.0.1 localhost %s\n' $name >"$root/$name/etc/hosts"
  rm -f "$out/$name.img"
  mke2fs -q -t ext4 -L $name -d "$root/$name" "$out/$name.img" "$size"
  rm -rf "${root:?}/$name"
done
ls -lhs "$out"
