#!/usr/bin/env bash
# M12: a volume with a hung leg and 64 requests waiting for it; another volume of the mount keeps its rate.
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
$(leg_lines "$hanging,deadline=60s" "$good")
  other:
    initial_sync: assume-in-sync
    legs:
$(leg_lines "$other" "$LEG")
END
mount_config
rate() { iops "$MNT/other" write 4; }
rate >/dev/null
during() {
  local blocked
  hang a
  fio --name=blocked --filename="$VOL" --size=16M --direct=1 --rw=randread --bs=4k --numjobs=64 \
    --number_ios=1 --ioengine=psync --output=blocked.out >/dev/null &
  blocked=$!
  sleep 1
  rate
  kill -0 "$blocked" || fail "nothing was blocked: $(cat blocked.out)"
  unhang a
  wait "$blocked" || fail "fio: $(cat blocked.out)"
}
assert_paired 85 "the other volume was slowed down" during rate
