#!/usr/bin/env bash
# Memory is bounded: by requests under way, not by how many there were. With INTEGRATION_LONG=1 ten
# minutes of them.
# time-limit: 900
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio

file_leg a 256M
first=$LEG
file_leg b 256M
mount_volume "$first" "$LEG"
resident() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(daemons)/status"; }
job() {
  fio --name=job --filename="$VOL" --size=256m --rw=randrw --bs=1m --ioengine=libaio --iodepth=64 \
    --direct=1 --time_based --runtime="$1" --output=fio.out || fail "fio: $(cat fio.out)"
}
idle=$(resident)
[ "$idle" -lt 102400 ] || fail "idle, and $idle KiB resident"
job 5
busy=$(resident)
# The page of headers, the payload and the ragged edges of 256 workers are the most there can be.
[ "$busy" -lt 307200 ] || fail "$busy KiB resident at depth 64"
seconds=8
[ -z "${INTEGRATION_LONG:-}" ] || seconds=600
job $seconds
after=$(resident)
[ "$after" -lt $((busy + busy / 5 + 4096)) ] || fail "grown from $busy to $after KiB"
echo "resident: idle $idle, depth 64 $busy, later $after KiB"
assert_state AA 0x0 in-sync
