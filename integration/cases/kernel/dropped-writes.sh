#!/usr/bin/env bash
# M11 on a disk that lies: dm-flakey drops writes without an error, or spoils what it is given. Nobody
# notices until a scrub does, which names the sectors; the right leg repairs them.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml dm-flakey
dm f1 "0 65536 linear /dev/ram1 0"
mount_volume /dev/ram0 /dev/mapper/f1
write_sectors "$VOL" 0 4096 o
dm f1 "0 65536 flakey /dev/ram1 0 0 60 1 drop_writes"
write_sectors "$VOL" 1000 8 n
sync "$VOL"
dm f1 "0 65536 linear /dev/ram1 0"
assert_equal AA "$(letters)"
control scrub
wait_idle
assert_equal "1000+8 legs=0x3" "$(xattr "$VOL" mismatches)"
control 'scrub repair source=0'
wait_idle
assert_equal none "$(xattr "$VOL" mismatches)"
unmount
cmp /dev/ram0 /dev/ram1
