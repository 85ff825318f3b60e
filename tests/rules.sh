#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rules of the source tree that a compiler does not check. Prints each breach; exit 1 if there is one.
set -u
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
bad=0
breach() { echo "rules: $*"; bad=1; }

mapfile -t sources < <(git ls-files '*.c' '*.h' '*.cc' '*.S' '*.def' '*.cmake' '*.sh' '*.ini' '*.ld' '*CMakeLists.txt' check demo .ci/run)
for file in "${sources[@]}"; do
  head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' || breach "$file: no SPDX line in the first three lines"
done
while read -r line; do breach "include with ..: $line"; done < <(grep -nE '^#include "\.\./' "${sources[@]}" 2>/dev/null)

# A layer includes itself and those below it only.
check_layer() {
  local layer=$1 allowed=$2
  while read -r line; do breach "upward include: $line"; done < <(
    git ls-files "$layer" | grep -E '\.[ch]$' | xargs -r grep -nE '^#include "(vmm|mmio|scheduler|gpu)/' | grep -vE "#include \"($allowed)/")
}
check_layer gpu 'gpu'
check_layer scheduler 'scheduler|gpu'
check_layer mmio 'mmio|scheduler|gpu'
exit $bad
