#!/usr/bin/env bash
# M12: one volume's leg hangs with more requests on it than there are threads; another volume is served
# as if nothing was.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio

healthy_leg a 16M
hanging=$LEG
file_leg b 16M
good=$LEG
file_leg c 16M
other=$LEG
file_leg d 16M
write_config <<END
volumes:
  vol:
    initial_sync: assume-in-sync
    legs:
$(leg_lines "$hanging,deadline=20s" "$good")
  other:
    initial_sync: assume-in-sync
    legs:
$(leg_lines "$other" "$LEG")
END
mount_config
hang a
fio --name=blocked --filename="$VOL" --size=16M --direct=1 --rw=randread --bs=4k --numjobs=80 \
  --number_ios=1 --ioengine=psync --output=blocked.out &
blocked=$!
sleep 1
# Reads, writes, flushes and attributes of the other volume: each would wait for the deadline.
start=$(date +%s)
random_file source $((8 << 20))
cp source "$MNT/other"
sync "$MNT/other"
dd if="$MNT/other" bs=64k count=128 iflag=direct status=none | cmp - source
assert_equal AA "$(letters "$MNT/other")"
[ $(($(date +%s) - start)) -lt 10 ] || fail "the other volume waited"
kill -0 "$blocked" || fail "nothing was blocked: $(cat blocked.out)"
unhang a
wait "$blocked" || fail "fio: $(cat blocked.out)"
assert_equal AA "$(letters)"
