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
one() { iops "$MNT/one" write "$depth"; }
two() { iops "$MNT/two" write "$depth"; }
# The file of a leg itself has a most that it takes at a time.
leg() { iops "$bare" "$way" "$depth"; }
reads() { iops "$MNT/one" read "$depth"; }
# In turn it would be half.
depth=1 way="write"
assert_paired 90 "two legs are written in turn" two one
depth=64
assert_paired 80 "writes to one leg at depth 64" one leg
assert_paired 80 "writes to two legs at depth 64" two leg
way="read"
assert_paired 80 "reads at depth 64" reads leg
