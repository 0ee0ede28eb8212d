#!/usr/bin/env bash
# M14: with `on_all_failed: wait` a request that no leg can serve waits until one answers; by default it
# fails at once.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 4M
first=$LEG
leg_with_errors b 4M
mount_volume on_all_failed=wait "$first" "$LEG"
write_sectors "$VOL" 0 100 a
fail_writes a
fail_writes b
write_sectors "$VOL" 10 10 b &
writer=$!
sleep 2
kill -0 "$writer" || fail "the write did not wait"
assert_equal failed "$(state)"
assert_equal a "$(sector_byte "$VOL" 50)" "others are served meanwhile"
mend_writes a
mend_writes b
wait "$writer" || fail "the write failed"
assert_equal b "$(sector_byte "$VOL" 10)"
fail_reads a
fail_reads b
sector_byte "$VOL" 10 >answer &
reader=$!
sleep 2
kill -0 "$reader" || fail "the read did not wait"
mend_reads a
mend_reads b
wait "$reader" || fail "the read failed"
assert_equal b "$(cat answer)"
wait_until 20 has_letters AA
# The mount can be ended all the same.
fail_reads a
fail_reads b
sector_byte "$VOL" 10 >answer 2>&1 &
reader=$!
sleep 1
kill -TERM "$(daemons)"
wait_until 20 not_mounted "$MNT" || fail "a request that waits holds up the end"
if wait "$reader"; then fail "the read has no error"; fi
