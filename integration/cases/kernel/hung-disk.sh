#!/usr/bin/env bash
# M12 on a real block device: a disk whose requests hang (a suspended dm device) is passed by at its deadline;
# when it goes on, what was late lands, and the leg is resynced. The kernel's mirrors hang their writers.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml
dm h0 "0 65536 linear /dev/ram0 0"
dm h1 "0 65536 linear /dev/ram1 0"
mount_volume read_policy=round-robin /dev/mapper/h0 /dev/mapper/h1,deadline=1s
write_sectors "$VOL" 0 2048 o
dmsetup suspend --noflush --nolockfs h1
defer dmsetup resume h1
write_sectors "$VOL" 100 8 n
assert_equal AW "$(letters)"
write_sectors "$VOL" 104 8 m
for sector in 50:o 100:n 104:m; do
  assert_equal "${sector#*:}" "$(sector_byte "$VOL" "${sector%:*}")" "sector ${sector%:*}"
done
dmsetup resume h1
wait_until 30 has_letters AA || fail "not back: $(letters)"
wait_idle
unmount
cmp /dev/ram0 /dev/ram1
