#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What igt_judge.sh says about made-up results.
set -u
judge=$(dirname "$(readlink -f "$0")")/igt_judge.sh
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 1
failures=0
cat >"$work/expected" <<'EXPECTED'
# a comment, as PASS 6.1 t@comment
PASS 6.1 t@good
PASS 6.1 t@each@rcs0
PASS 6.1 t@each@bsd2
PASS 6.1 t@never-hang
PASS 6.12-whole t@good
FAIL 6.1 t@bad broken
SKIP 6.1 t@absent wants two
TIMING 6.1 t@late
PASS 6.1 u@good
EXPECTED

# expect NAME STATUS ASKED FOUND SAID: lines have semicolons between them.
expect() {
  tr ';' '\n' <<<"$3" >"$work/asked"
  tr ';' '\n' <<<"$4" >"$work/found"
  local said status
  said=$("$judge" "$work/expected" "$work/found" "$work/asked")
  status=$?
  [ $status -eq "$2" ] && [ "$(paste -s -d';' <<<"$said")" = "$5" ] && echo "PASS: $1" && return
  printf 'FAIL: %s: status %s, and\n%s\n' "$1" $status "$said"
  failures=$((failures + 1))
}

all='PASS 6.1 t@good;PASS 6.1 t@each@rcs0;PASS 6.1 t@each@bsd2;PASS 6.1 t@never-hang'
expect "as it was" 0 '6.1 t * *' "$all" ''
expect "what passed and fails" 1 '6.1 t good *' 'FAIL 6.1 t@good why' 'REGRESSION FAIL 6.1 t@good why'
expect "what passed and is skipped" 1 '6.1 t good *' 'SKIP 6.1 t@good why' 'REGRESSION SKIP 6.1 t@good why'
expect "what nobody knew and fails" 1 '6.1 t new *' 'FAIL 6.1 t@new why' 'NEW FAILURE FAIL 6.1 t@new why'
expect "what nobody knew and passes" 0 '6.1 t new *' 'PASS 6.1 t@new' ''
expect "what was skipped and fails" 1 '6.1 t absent *' 'FAIL 6.1 t@absent why' 'NEW FAILURE FAIL 6.1 t@absent why'
expect "what failed, again" 0 '6.1 t bad *' 'FAIL 6.1 t@bad why' ''
expect "what failed and passes" 0 '6.1 t bad *' 'PASS 6.1 t@bad' 'NOW PASSES PASS 6.1 t@bad'
expect "what depends on the host's speed is not judged" 0 '6.1 t late *' 'FAIL 6.1 t@late why' 'LATE FAIL 6.1 t@late why'
expect "what is not there" 1 '6.1 t * *' 'PASS 6.1 t@good' 'MISSING 6.1 t@each@rcs0;MISSING 6.1 t@each@bsd2;MISSING 6.1 t@never-hang'
expect "each once, though two commands asked for it" 1 '6.1 t * *;6.1 t good *' "${all#*;}" 'MISSING 6.1 t@good'
expect "nothing at all" 1 '6.1 u * *' '' 'MISSING 6.1 u@good'
expect "what was left out, by its name and by that of its dynamic subtest" 0 '6.1 t *,!*-hang *,!bsd2' 'PASS 6.1 t@good;PASS 6.1 t@each@rcs0' ''
expect "the last pattern decides" 1 '6.1 t *,!*-hang,never-hang *' "${all%;*}" 'MISSING 6.1 t@never-hang'
expect "another kernel's is another's" 0 '6.12-whole t good *' 'PASS 6.12-whole t@good' ''
echo "$failures failures"
[ $failures -eq 0 ]
