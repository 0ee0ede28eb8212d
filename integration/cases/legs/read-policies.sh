#!/usr/bin/env bash
# M1 and read_policy: which leg is read. The legs hold different bytes here on purpose.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

for leg in a b c; do file_leg "$leg" 1M "$leg"; done

# bytes_read: the legs that 60 direct reads came from.
bytes_read() {
  local sector
  for sector in {0..59}; do sector_byte "$VOL" $((sector * 8)); done | fold -w 1 | sort -u | tr -d '\n'
}
mount_volume read_policy=primary "$WORK/a.img" "$WORK/b.img" "$WORK/c.img"
assert_equal a "$(bytes_read)" primary
unmount
mount_volume read_policy=round-robin "$WORK/a.img" "$WORK/b.img" "$WORK/c.img"
assert_equal abc "$(bytes_read)" round-robin
unmount
mount_volume read_policy=round-robin "$WORK/a.img" "$WORK/b.img,write_mostly=true" "$WORK/c.img"
assert_equal ac "$(bytes_read)" "round-robin, b write-mostly"
unmount
mount_volume read_policy=primary "$WORK/a.img,write_mostly=true" "$WORK/b.img" "$WORK/c.img"
assert_equal b "$(bytes_read)" "primary, a write-mostly"
unmount
mount_volume read_policy=least-pending "$WORK/a.img" "$WORK/b.img,write_mostly=true" "$WORK/c.img"
assert_match '^a?c?$' "$(bytes_read)" "least-pending, b write-mostly"
write_sectors "$VOL" 0 8 w
unmount
for leg in a b c; do assert_equal w "$(head -c 1 "$leg.img")" "leg $leg was written"; done
