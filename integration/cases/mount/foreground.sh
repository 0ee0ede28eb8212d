#!/usr/bin/env bash
# Interface: --foreground stays, logs to stderr, and ends with 0 when it is unmounted.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M x
config_for "$LEG"
mkdir "$MNT"
defer unmount_at_end "$MNT"
"$MIRRORFS" mount "$CONFIG" "$MNT" --foreground >out 2>err &
process=$!
defer end_process "$process"
wait_until 10 mounted "$MNT" || fail "not mounted: $(cat err)"
kill -0 "$process"
assert_equal x "$(head -c 1 "$VOL")"
assert_equal "" "$(cat out)" "results only on stdout"
"$MIRRORFS" umount "$MNT"
status=0
wait "$process" || status=$?
assert_equal 0 "$status" "exit status ($(cat err))"
not_mounted "$MNT"
