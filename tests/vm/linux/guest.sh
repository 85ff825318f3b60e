# SPDX-License-Identifier: GPL-2.0-or-later
# Shell functions for jobs in the guest; init.sh reads this file before the job. Results go to file descriptor 3, which is ttyS0.
# A job fails if its own status is not 0 or if any step failed.

# Where everything is kept: jobs know it as /tmp.
tmp=${GUEST_TMP:-/tmp}

# now: centiseconds since boot.
now() { read -r up _ </proc/uptime; echo "${up%.*}${up#*.}"; }

report() { echo "$*" >&3; }

# step NAME COMMAND...: runs it with its output in /tmp/steps/NAME and prints one line: PASS NAME SECONDS, FAIL NAME STATUS LAST-LINE, or SKIP NAME REASON
# for status 77. After FAIL come the last STEP_LINES (25) lines of the output. STEP_TIMEOUT (seconds) limits a command that is a program.
step() {
  local name=$1 start end status log reason limit=
  shift
  mkdir -p $tmp/steps
  log=$tmp/steps/$(echo "$name" | tr '/ ' '__')
  case $(type "$1" 2>/dev/null) in *function*) ;; *) [ -z "${STEP_TIMEOUT:-}" ] || limit="timeout -k 5 $STEP_TIMEOUT" ;; esac
  start=$(now)
  ( $limit "$@"; exit $? ) >"$log" 2>&1
  status=$?
  end=$(($(now) - start))
  case $status in
    0) report "PASS $name $((end / 100)).$(printf %02d $((end % 100)))" ;;
    77)
      reason=$(grep -iE '^Test requirement: |skip' "$log" | head -n 1)
      report "SKIP $name ${reason:-$(tail -n 1 "$log")}"
      ;;
    *)
      case $limit$status in timeout*143 | timeout*137) status=timeout ;; esac
      report "FAIL $name $status $(tail -n 1 "$log")"
      tail -n "${STEP_LINES:-25}" "$log" | sed 's/^/    /' >&3
      : >$tmp/failed
      return 1
      ;;
  esac
  return $status
}

# dmesg_clean [ALLOWED-REGEX]: fails, and prints the lines, if the kernel logged trouble since the last call.
dmesg_clean() {
  local seen=0 bad
  [ ! -e $tmp/dmesg.seen ] || read -r seen <$tmp/dmesg.seen
  dmesg >$tmp/dmesg.now
  wc -l <$tmp/dmesg.now >$tmp/dmesg.seen
  bad=$(tail -n +$((seen + 1)) $tmp/dmesg.now | grep -v '\[IGT\]' |
    grep -E 'WARNING:|BUG:|Oops|Call Trace|\*ERROR\*|[Ww]edged|GPU HANG|hung task|blocked for more than|(i915|drm|fence).*(timed out|[Tt]imeout)')
  [ -z "$bad" ] || [ -z "${1:-}" ] || bad=$(echo "$bad" | grep -vE "$1")
  [ -n "$bad" ] || return 0
  echo "$bad"
  return 1
}

# load_i915 [PARAMETER=VALUE]...: loads the driver, prints TIME i915 MILLISECONDS, fails if it did not bind to a device.
load_i915() {
  local start status
  start=$(now)
  modprobe i915 "$@"
  status=$?
  report "TIME i915 $((($(now) - start) * 10))"
  [ $status -eq 0 ] || return $status
  ls -d /sys/bus/pci/drivers/i915/0000:*/drm/card* >/dev/null 2>&1 || { echo "i915 is bound to no device"; return 1; }
}

# igt TEST ARGUMENT...: a test (or igt_runner) of the layer "igt", in its chroot. /tmp there is ours.
igt() {
  local program=/usr/libexec/igt-gpu-tools/$1
  [ -x "/igt$program" ] || program=/usr/bin/$1
  shift
  chroot /igt "$program" "$@"
}

# igt_run TEST [PATTERN]: runs the subtests that match in one process, with its output in /tmp/steps/TEST, and prints what igt_subtests reports.
igt_run() {
  local test=$1 log=$tmp/steps/$1 status limit= setting=env
  [ "${IGT_CLOCK:-1}" = 1 ] || setting="$setting LD_PRELOAD=/faketime.so FAKETIME=+0x$IGT_CLOCK"
  [ -z "${IGT_SIMULATION:-}" ] || setting="$setting INTEL_SIMULATION=1"
  mkdir -p $tmp/steps
  [ -z "${STEP_TIMEOUT:-}" ] || limit="timeout -k 5 $STEP_TIMEOUT"
  ( $limit $setting chroot /igt "/usr/libexec/igt-gpu-tools/$test" ${2:+--run-subtest "$2"} ${IGT_DYNAMIC:+--dynamic-subtest "$IGT_DYNAMIC"}; exit $? ) >"$log" 2>&1
  status=$?
  for process in /proc/[0-9]*; do
    [ "$(readlink "$process/root")" != /igt ] || kill -9 "${process#/proc/}" 2>/dev/null
  done
  awk -v test="$test" -v status="$status" '
    /^Starting subtest: / { subtest = $NF }
    /^Starting (dynamic )?subtest: / { reason = ""; running = test "@" $NF; wanted = said = 0 }
    { words[said++ % 40] = $0 }
    wanted { wanted = 0; if ($0 !~ /^(Last errno|Subtest|Dynamic)/) reason = reason ": " $0 }
    /^Test requirement: / { reason = substr($0, 19); wanted = 1 }
    /^No dynamic tests executed/ { if (reason == "") reason = "No dynamic tests executed" }
    / CRITICAL: / { if (reason == "") reason = substr($0, index($0, "CRITICAL: ") + 10) }
    /^(Dynamic subtest|Subtest) [^ ]*: [A-Z]/ {
      name = $0; dynamic = sub(/^Dynamic subtest /, "", name); sub(/^Subtest /, "", name); sub(/: .*/, "", name)
      if (dynamic) name = subtest "@" name
      result = $0; sub(/.*: /, "", result); seconds = result; sub(/ .*/, "", result); sub(/.*\(/, "", seconds); sub(/s\).*/, "", seconds)
      lines++; running = ""
      if (result == "SUCCESS") print "PASS " test "@" name " " seconds
      else if (result == "SKIP") print "SKIP " test "@" name " " reason
      else {
        print "FAIL " test "@" name " " result " " reason; failed = 1
        for (i = said > 40 ? said - 40 : 0; i < said; i++) print "    " words[i % 40]
      }
    }
    END {
      if (running != "" && status != 77) { print "FAIL " running " " status; failed = 1 }
      else if (status == 0 && !lines) print "PASS " test
      else if (status == 77 && !lines) print "SKIP " test " " reason
      else if (status != 0 && status != 77 && !failed) print "FAIL " test " " status " " reason
    }' "$log"
  return $status
}

# igt_subtests TEST [PATTERN]: runs the subtests that match (all; commas separate, * and ! work), and prints for each, and for dynamic subtests, what step
# prints, named TEST@SUBTEST or TEST@SUBTEST@DYNAMIC. What a test leaves running is killed.
# IGT_CLOCK makes the test's clock run that many times faster (/igt/faketime.so): its seconds are that much shorter. So is what it allows the machine to take: an ioctl that a busy host delays
# for an eighth of a second took more than one second then, for which IGT fails. So up to five subtests that fail with a fast clock are run again with the true one, which decides; the first try
# is printed as AGAIN. IGT_SIMULATION=1 tells IGT that the GPU is simulated: some tests do less then. IGT_DYNAMIC (a pattern) chooses among the dynamic subtests of a subtest.
igt_subtests() {
  local results=$tmp/results status again subtest
  igt_run "$@" >$results
  status=$?
  again=$(sed -n "s/^FAIL $1@\([^ @]*\).*/\1/p" $results | sort -u)
  case ${IGT_CLOCK:-1} in 1 | 0*) again= ;; esac
  if [ -n "$again" ] && [ "$(echo "$again" | wc -l)" -le 5 ]; then
    for subtest in $again; do sed -i -E "s/^FAIL ($1@$subtest([ @]|\$))/AGAIN \1/" $results; done
    ! grep -q '^FAIL' $results && status=0
    cat $results >&3
    local IGT_CLOCK=1
    for subtest in $again; do
      igt_run "$1" "$subtest" >&3 || status=$?
    done
  else
    cat $results >&3
  fi
  case $status in 0 | 77) ;; *) : >$tmp/failed ;; esac
  return $status
}
