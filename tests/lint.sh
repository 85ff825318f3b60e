#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Static analysis that the tree is clean of, and stays so: cppcheck and clang-tidy's bugprone set; with --full clang's analyzer too, which follows paths and takes minutes.
# Usage: tests/lint.sh [--full]
set -u
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
full=${1-}
status=0

# Macros of GLib's headers that cppcheck would have to see to parse what is around them.
macros=('-DG_GNUC_PRINTF(a,b)=' '-DG_DEFINE_QUARK(a,b)=' '-DG_STATIC_ASSERT(a)=' '-DG_DEFINE_AUTOPTR_CLEANUP_FUNC(a,b)=' '-DG_STRINGIFY(a)=""')
mkdir -p build/cppcheck
cppcheck -q -j"$(nproc)" --cppcheck-build-dir=build/cppcheck --std=c11 --enable=warning,portability,performance --inline-suppr \
  --suppress=missingIncludeSystem --error-exitcode=1 "${macros[@]}" -I. vmm gpu mmio scheduler || status=1

# Left out: rules of taste, what warns at every conversion of a size, and checks that do not see GLib's cleanup attributes or a value through a pointer's check.
checks='-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions'
checks+=',-bugprone-reserved-identifier,-bugprone-branch-clone,-bugprone-implicit-widening-of-multiplication-result'
if [ "$full" = --full ]; then
  checks+=',clang-analyzer-*,-clang-analyzer-security.insecureAPI*,-clang-analyzer-optin.performance.Padding,-clang-analyzer-unix.Malloc'
  checks+=',-clang-analyzer-core.CallAndMessage,-clang-analyzer-core.UndefinedBinaryOperatorResult,-clang-analyzer-core.NullDereference'
fi
cmake --preset default -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null || exit 1
# The KVM API's lists are declared without their entries, which whoever calls puts behind: what clang alone warns of.
git ls-files 'vmm/*.c' 'gpu/*.c' 'mmio/*.c' 'scheduler/*.c' |
  xargs -P "$(nproc)" -n 8 clang-tidy -p build/default --quiet --warnings-as-errors='*' --extra-arg=-Wno-gnu-variable-sized-type-not-at-end -checks="$checks" 2>/dev/null || status=1
exit $status
