#!/usr/bin/env bash
# M10, M17: a leg is replaced while the volume is in use; the old one serves until the new one holds
# everything; the new one is kept over a remount, and written into the config when asked.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio

file_leg a 16M
first=$LEG
file_leg b 16M
second=$LEG
truncate -s 16M "$WORK/new leg.img"
new="$WORK/new leg.img"
mount_volume "$first" "$second"
random_file source $((16 << 20))
cp source "$VOL"
assert_fails_with "no leg 7" "$MIRRORFS" replace "$VOL" 7 "$new"
assert_fails_with "No such file" "$MIRRORFS" replace "$VOL" 1 "$WORK/missing"
assert_fails_with "in the mount" "$MIRRORFS" replace "$VOL" 1 "$VOL"
assert_fails_with "in use" "$MIRRORFS" replace "$VOL" 1 "$first"
truncate -s 1M small.img
assert_fails_with "too small" "$MIRRORFS" replace "$VOL" 1 "$WORK/small.img"
assert_equal AA "$(letters)" "nothing has happened"

# Slow enough to be seen; begun, given up, and begun again.
"$MIRRORFS" rate "$VOL" 4MiB
(cd "$WORK" && "$MIRRORFS" replace "$VOL" 1 "new leg.img")
assert_state AAS 0x4 resyncing
assert_equal 1 "$(xattr "$VOL" leg.2.replaces)"
assert_fails_with "in use" "$MIRRORFS" replace "$VOL" 0 "$WORK/small.img"
"$MIRRORFS" replace "$VOL" --cancel
wait_until 5 is_idle
assert_state AA 0x0 in-sync
"$MIRRORFS" replace "$VOL" 1 "$new"
# Written while it is copied: on all three.
fio --name=job --filename="$VOL" --size=16M --rw=randwrite --bs=4k --direct=1 --number_ios=500 \
  --numjobs=2 --output=fio.out || fail "fio: $(cat fio.out)"
# Half-way, the daemon dies; the copy goes on after the next mount.
crash
mount_config
assert_equal 3 "$(letters | wc -c)" "the replacement is remembered"
assert_equal 1 "$(xattr "$VOL" leg.2.replaces)"
"$MIRRORFS" rate "$VOL" 0B
is_replaced() { [[ $(xattr "$VOL" leg.1.region) == "$new "* ]]; }
wait_until 20 is_replaced || fail "$(cat "$LOG")"
wait_until 5 has_letters AA
dd if="$VOL" bs=1M iflag=direct status=none >contents
before=$(sha256sum <b.img)
write_sectors "$VOL" 10 10 z
assert_equal "$before" "$(sha256sum <b.img)" "the old leg is let go"
unmount
assert_same a.img "$new"
# The config still names the old leg, which has an older state: the new one is used.
mount_config
assert_equal AA "$(letters)"
assert_match "new leg.img" "$(xattr "$VOL" leg.1.region)"
assert_equal z "$(sector_byte "$VOL" 10)"
# Legs may change places; then one more, into the config.
"$MIRRORFS" replace "$VOL" 0 "$second" --wait
unmount
mount_config
assert_equal AA "$(letters)"
assert_match "b.img" "$(xattr "$VOL" leg.0.region)"
assert_match "new leg.img" "$(xattr "$VOL" leg.1.region)"
truncate -s 16M c.img
sed -i "s|path: \"$second\"|path: '$second' # the second|" "$CONFIG"
"$MIRRORFS" replace "$VOL" 1 "$WORK/c.img" --write-config "$CONFIG"
assert_match "path: \"$WORK/c.img\" # the second" "$(cat "$CONFIG")"
unmount
assert_same b.img c.img
mount_config
assert_equal AA "$(letters)"
assert_equal z "$(sector_byte "$VOL" 10)"

# A leg that was taken out, and whose file is gone, is replaced all the same.
STATE_DIRECTORY=$WORK/state.gone
file_leg gone.a 2M
first=$LEG
file_leg gone.b 2M
mounted "$MNT" && unmount
mount_volume "$first" "$LEG"
"$MIRRORFS" fail "$VOL" 1
rm "$LEG"
write_sectors "$VOL" 16 8 x
assert_fails "$MIRRORFS" status "$VOL"
assert_match "replace $VOL 1 NEW-PATH" "$SAID" "the next step"
file_leg gone.c 2M
"$MIRRORFS" replace "$VOL" 1 "$LEG" --wait
assert_state AA 0x0 in-sync
unmount
assert_same gone.a.img gone.c.img
