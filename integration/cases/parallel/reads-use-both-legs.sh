#!/usr/bin/env bash
# M1: legs that answer four requests at a time: least-pending over two of them has nearly twice the
# reads of one.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio

delayed_leg a 16M 10 4
first=$LEG
delayed_leg b 16M 10 4
second=$LEG
delayed_leg c 16M 10 4
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
one=$(iops "$MNT/one" read 16)
two=$(iops "$MNT/two" read 16)
echo "one leg $one, two legs $two reads a second"
assert_ratio 160 "$two" "$one" "least-pending does not use both legs"
