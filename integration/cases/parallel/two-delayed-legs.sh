#!/usr/bin/env bash
# M3: legs that take 20 ms each: a write to both takes one delay, not two; at depth 64 writes go
# and reads go as fast as to the leg itself.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio

delayed_leg a 16M 20
first=$LEG
delayed_leg b 16M 20
second=$LEG
delayed_leg d 16M 20
bare=$LEG
delayed_leg c 16M 20
write_config <<END
volumes:
  one:
    initial_sync: assume-in-sync
    intent: process
    legs:
$(leg_lines "$LEG")
  two:
    initial_sync: assume-in-sync
    intent: process
    legs:
$(leg_lines "$first" "$second")
END
mount_config
# The first write marks its chunk, and opens the state.
for volume in one two; do iops "$MNT/$volume" write 1 --number_ios=8 >/dev/null; done
# In turn it would be half.
one=$(iops "$MNT/one" write 1)
two=$(iops "$MNT/two" write 1)
assert_ratio 75 "$two" "$one" "two legs are written in turn"
# The file of a leg itself has a most that it takes at a time.
leg=$(iops "$bare" write 64)
for volume in one two; do
  assert_ratio 75 "$(iops "$MNT/$volume" write 64)" "$leg" "$volume at depth 64"
done
leg=$(iops "$bare" read 64)
assert_ratio 75 "$(iops "$MNT/one" read 64)" "$leg" "reads at depth 64"
