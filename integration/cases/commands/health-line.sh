#!/usr/bin/env bash
# Interface: `status -x` is one line whatever is wrong, the worst first, with the names of a few; and
# the exit statuses of status: 0 all in sync, 1 degraded or resyncing, 2 failed, 3 cannot tell.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

m=$MIRRORFS
{
  echo volumes:
  for name in v0 v1 v2 v3 v4 v5; do
    echo "  $name: {size: 1MiB, legs: [{path: \"$WORK/$name.a\", create: true}, {path: \"$WORK/$name.b\", create: true}]}"
  done
} | write_config
mount_config

# health STATUS LINE [PATH...]: exactly this line, and this exit status, with and without -x.
health() {
  local wanted=$1 line=$2 found=0
  shift 2
  "$m" status -x "${@:-$MNT}" >said 2>said.err || found=$?
  assert_equal "$line" "$(cat said)" "status -x"
  assert_equal 1 "$(wc -l <said)" "lines"
  assert_equal "$wanted" "$found" "exit status of -x"
  found=0
  "$m" status "${@:-$MNT}" >/dev/null 2>&1 || found=$?
  assert_equal "$wanted" "$found" "exit status"
  found=0
  "$m" status --json "${@:-$MNT}" >/dev/null 2>&1 || found=$?
  assert_equal "$wanted" "$found" "exit status of --json"
}

health 0 "all volumes are in sync"
"$m" fail "$MNT/v3" 1
write_sectors "$MNT/v3" 0 8 x
health 1 "1 of 6 volumes not in sync: $MNT/v3 degraded, legs AO, leg 1 missed 4.0 KiB"
health 0 "all volumes are in sync" "$MNT/v0"
# Copying is not in sync either.
"$m" rate "$MNT/v3" 4KiB
write_sectors "$MNT/v3" 8 1000 x
"$m" restore "$MNT/v3" 1
is_resyncing() { [ "$(state "$MNT/v3")" = resyncing ]; }
wait_until 10 is_resyncing || fail "it is $(state "$MNT/v3")"
"$m" status -x "$MNT" >said && fail "resyncing is not 0"
assert_match "^1 of 6 volumes not in sync: $MNT/v3 resyncing, legs A., leg 1 missed [0-9.]+ K?i?B\$" "$(cat said)"
"$m" rate "$MNT/v3" 0B
"$m" resync "$MNT/v3" --wait
# Failed comes first, and what does not fit is counted.
for name in v0 v1 v2 v3 v4; do "$m" fail "$MNT/$name" 0; done
"$m" fault "$MNT/v5" 0 eio --for 1h
"$m" fault "$MNT/v5" 1 eio --for 1h
assert_fails write_sectors "$MNT/v5" 0 8 x
assert_equal failed "$(state "$MNT/v5")"
"$m" status -x "$MNT" >said || assert_equal 2 $? "exit status"
assert_match "^6 of 6 volumes not in sync: $MNT/v5 failed, .*; $MNT/v0 degraded, legs OA; .*; and 2 more\$" "$(cat said)"
assert_equal 1 "$(wc -l <said)" "lines"
health 2 "$(cat said)"
health 3 "1 of 1 volumes not in sync: $WORK/nowhere unknown" "$WORK/nowhere"
