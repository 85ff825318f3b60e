#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a run of IGT's tests did, against what is known. Usage: igt_judge.sh EXPECTED FOUND ASKED. EXPECTED and FOUND have lines RESULT KERNEL TEST[@SUBTEST[@DYNAMIC]] [REASON] (igt.expected); ASKED, for each
# command of the run, KERNEL TEST PATTERN DYNAMIC (IGT's patterns; * for all). Prints a line for each difference, and exits 1 if one is for the worse:
#   REGRESSION   passed, and does not now
#   NEW FAILURE  was not known, or was skipped, and fails
#   MISSING      passed, was asked for, and is not there: what ran before it may have taken its process along
#   NOW PASSES   failed, and passes now (not for the worse, as are the failures of what is known as TIMING, which are LATE)
set -uf
expected=$1 found=$2 asked=$3

# matches NAME PATTERNS: as IGT's --run-subtest and --dynamic-subtest choose: commas separate patterns, ! leaves out, and the last that matches decides.
matches() {
  local pattern chosen=1 IFS=,
  for pattern in $2; do
    # shellcheck disable=SC2053 # they are patterns
    case $pattern in
      !*) [[ $1 != ${pattern#!} ]] || chosen=1 ;;
      *) [[ $1 != $pattern ]] || chosen=0 ;;
    esac
  done
  return $chosen
}

changes=$(
  awk 'NR == FNR { if ($1 != "#") was[$2 " " $3] = $1; next } { now = $2 " " $3 }
    was[now] == "TIMING" { if ($1 == "FAIL") print "LATE " $0; next }
    $1 != "PASS" && was[now] == "PASS" { print "REGRESSION " $0 }
    $1 == "FAIL" && was[now] != "PASS" && was[now] != "FAIL" { print "NEW FAILURE " $0 }
    $1 == "PASS" && was[now] == "FAIL" { print "NOW PASSES " $0 }' "$expected" "$found"
  # What passed and is not there, of the tests that were asked for.
  awk 'FILENAME == ARGV[1] { ran[$1 " " $2] = 1; next } FILENAME == ARGV[2] { is[$2 " " $3] = 1; next }
    $1 == "PASS" { test = $3; sub(/@.*/, "", test); if (($2 " " test) in ran && !(($2 " " $3) in is)) print $2, $3 }' "$asked" "$found" "$expected" |
    while read -r kernel name; do
      IFS=@ read -r test subtest dynamic <<<"$name"
      while read -r k t patterns dynamics; do
        [ "$k $t" = "$kernel $test" ] && matches "$subtest" "$patterns" && { [ -z "$dynamic" ] || matches "$dynamic" "$dynamics"; } || continue
        echo "MISSING $kernel $name"
        break
      done <"$asked"
    done
)
[ -z "$changes" ] || echo "$changes"
! grep -qE '^(REGRESSION|NEW FAILURE|MISSING) ' <<<"$changes"
