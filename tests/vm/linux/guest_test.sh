#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What igt_subtests of guest.sh reports, for programs that pass and fail as told here: a subtest that fails with a fast clock is run again with the true one.
set -u
GUEST_TMP=$(mktemp -d) && trap 'rm -rf "$GUEST_TMP"' EXIT || exit 1
. "$(dirname "$(readlink -f "$0")")/guest.sh"
failures=0

# A test "t" whose subtest late fails with a fast clock only, broken always; late has a dynamic subtest.
igt_run() {
  late=PASS
  [ "$IGT_CLOCK" = 1 ] || late=FAIL
  case ${2:-all} in
    all) printf 'PASS t@good\n%s t@late@one why\n    words\n%s t@late why\nFAIL t@broken why\nSKIP t@absent wants two video engines\n' $late $late; return 98 ;;
    good) printf 'PASS t@good\n' ;;
    late) printf '%s t@late@one\n%s t@late\n' $late $late; [ $late = PASS ] ;;
    broken) printf 'FAIL t@broken why\n'; return 98 ;;
    many) for n in 1 2 3 4 5 6; do printf 'FAIL t@s%s why\n' $n; done; return 98 ;;
  esac
}

# expect NAME STATUS CLOCK PATTERN LINES: LINES with commas between them.
expect() {
  IGT_CLOCK=$3
  said=$(igt_subtests t $4 3>&1)
  status=$?
  [ $status -eq "$2" ] && [ "$(echo "$said" | sed 's/ why$//' | paste -s -d,)" = "$5" ] && echo "PASS: $1" && return
  printf 'FAIL: %s: status %s, and\n%s\n' "$1" $status "$said"
  failures=$((failures + 1))
}

expect "what passes is run once" 0 8 good 'PASS t@good'
expect "what fails with a fast clock gets the true one" 0 8 late 'AGAIN t@late@one,AGAIN t@late,PASS t@late@one,PASS t@late'
expect "what fails again has failed" 98 8 '' 'PASS t@good,AGAIN t@late@one,    words,AGAIN t@late,AGAIN t@broken,SKIP t@absent wants two video engines,FAIL t@broken,PASS t@late@one,PASS t@late'
expect "the true clock's failure stands" 98 1 broken 'FAIL t@broken'
expect "and a slow clock's" 98 0.1 broken 'FAIL t@broken'
expect "so do six failures" 98 8 many 'FAIL t@s1,FAIL t@s2,FAIL t@s3,FAIL t@s4,FAIL t@s5,FAIL t@s6'
echo "$failures failures"
[ $failures -eq 0 ]
