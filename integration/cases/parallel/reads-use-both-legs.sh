#!/usr/bin/env bash
# M1: legs that answer few requests at a time: least-pending over two of them has at least 1.8 times
# the reads of one.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio

delayed_leg a 1G 40 4
first=$LEG
delayed_leg b 1G 40 4
second=$LEG
delayed_leg c 1G 40 4
write_config <<END
volumes:
  one:
    initial_sync: assume-in-sync
    legs:
$(leg_lines "$LEG")
  two:
    initial_sync: assume-in-sync
    read_policy: least-pending
    legs:
$(leg_lines "$first" "$second")
END
mount_config
one() { iops "$MNT/one" read 64; }
two() { iops "$MNT/two" read 64; }
assert_paired 180 "least-pending does not use both legs" two one
