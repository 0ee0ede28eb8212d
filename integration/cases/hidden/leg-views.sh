#!/usr/bin/env bash
# F8: legs/VOLUME.N is what is on that leg and on no other, stale or not, as it is at each read.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need mkfs.ext4 e2fsck
leg_with_errors a 8M
first=$LEG
leg_with_errors b 8M
mount_volume mode='"0640"' owner=65534 "$first" "$LEG"
legs=$MNT/.mirrorfs/legs
assert_equal "440 65534 8388608" "$(stat -c '%a %u %s' "$legs/vol.1")"
mkfs.ext4 -q -F "$VOL"
sync -f "$VOL"
cmp "$legs/vol.0" "$legs/vol.1"
assert_same "$legs/vol.0" a.img
for leg in 0 1; do e2fsck -fn "$legs/vol.$leg" >>e2fsck.log 2>&1 || fail "e2fsck: $(cat e2fsck.log)"; done

# What a leg missed is shown as it is there, and the read has no second try on the other leg.
control pause
fail_writes b
write_sectors "$VOL" 100 8 x
assert_equal x "$(sector_byte "$legs/vol.0" 100)"
assert_equal 0 "$(sector_byte "$legs/vol.1" 100)"
assert_equal x "$(sector_byte "$VOL" 100)"
assert_equal 0 "$(head -c 51201 "$legs/vol.1" | tail -c 1 | tr '\0' 0)" "an odd offset, through a pipe"
mend_writes b
write_sectors "$VOL" 200 8 y
assert_equal y "$(sector_byte "$legs/vol.1" 200)" "it is read anew"

# An error is the reader's alone: it changes no letter and no counter.
before=$(xattr "$VOL" leg.1.errors)
fail_reads b
assert_fails_with "Input/output error" dd if="$legs/vol.1" of=read bs=4096 count=1
assert_equal y "$(sector_byte "$VOL" 200)"
assert_equal "$before" "$(xattr "$VOL" leg.1.errors)"
mend_reads b

# While writers write, both legs are the same in each sector that is read of both at rest.
control resume
wait_idle
assert_state AA 0x0 in-sync
cmp "$legs/vol.0" "$legs/vol.1"
