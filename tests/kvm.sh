# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by tests whose guests run under KVM. Opening alone would not do: to the shell "<>" means create, and root may, so an ordinary file would stand
# in /dev, where KVM is not.
kvm_missing="/dev/kvm cannot be opened: load kvm_intel or kvm_amd, or join the group kvm (a virtual machine without nested virtualization has no KVM: run this on another)"
kvm_usable() { [ -c /dev/kvm ] && { : <>/dev/kvm; } 2>/dev/null; }
need_kvm() { kvm_usable || { echo "SKIP: $kvm_missing"; exit 77; }; }
