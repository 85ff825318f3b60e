#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Attacks the mediator with all hostile guests, beside a neighbour that measures, and prints what came of it as the table of docs/security.md.
# Usage: tests/security.sh [--update] [BUILD]   --update writes the table there
set -u
root=$(dirname "$(dirname "$(readlink -f "$0")")")
update=
[ "${1-}" = --update ] && update=1 && shift
build=$(readlink -f "${1:-$root/build/default}")
log=$(mktemp) table=$(mktemp)
trap 'rm -f "$log" "$table"' EXIT

ctest --test-dir "$build" -R '^hostile\.' -V >"$log" 2>&1
status=$?
{
  echo "| group | attacks | vGPU disabled | contained | longest hold of an engine, ms | neighbour's longest gap between frames, ms |"
  echo "| --- | ---: | ---: | ---: | ---: | ---: |"
  # Lines begin with the number of the test; the line "Test #N: NAME" comes after its output.
  awk '{ sub(/\r/, "") }
       match($0, /^[0-9]+: FIGURES /) { figures = $0 }
       match($0, /Test +#[0-9]+: hostile\.[a-z_]+/) && figures != "" {
         name = substr($0, RSTART, RLENGTH); sub(/.*hostile\./, "", name)
         split(figures, f, /[ =]/); for (i in f) { if (f[i] == "attacks") a = f[i + 1]; if (f[i] == "rejected") r = f[i + 1]; if (f[i] == "gap_ms") g = f[i + 1]; if (f[i] == "held_ms") h = f[i + 1] }
         printf "| %s | %d | %d | %d | %s | %s |\n", name, a, r, a - r, h, g
         A += a; R += r; if (h + 0 > H) H = h + 0; if (g + 0 > G) G = g + 0; figures = "" }
       END { printf "| all | %d | %d | %d | %s | %s |\n", A, R, A - R, H, G }' "$log"
} >"$table"
cat "$table"
if [ "$status" -ne 0 ]; then
  grep -E 'FAIL|Failed|Timeout' "$log"
  exit 1
fi
[ -z "$update" ] || awk -v table="$table" '
  /<!-- table: hostile guests/ { print; while ((getline line <table) > 0) print line; skip = 1; next }
  /<!-- end of table/ { skip = 0 }
  !skip' "$root/docs/security.md" >"$log" && cp "$log" "$root/docs/security.md"
