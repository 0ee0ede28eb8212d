#!/usr/bin/env bash
# dmsetup-table: what the kernel's mirror writes through our table reads the same through mirrorfs, and
# the other way round; a leg that missed something is never copied over one that holds it.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml dm-mirror
table() { "$MIRRORFS" dmsetup-table "$CONFIG" "$@"; }
# in_kernel TABLE [READY_REGEX]: the kernel's device over the legs, when all of them are in sync.
in_kernel() {
  dmsetup create vol --table "$1"
  wait_until 30 all_in_sync || fail "the kernel does not get it in sync: $(dmsetup status vol)"
}
all_in_sync() { [[ "$(dmsetup status vol)" =~ \ ([0-9]+)/([0-9]+)\ 1\ A+\  ]] && [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]; }
# filled FILE: random bytes over the whole of it; a copy is in $WORK/data.
filled() {
  head -c 4M /dev/urandom >data
  dd if=data of="$1" bs=1M conv=notrunc,fsync status=none
}
legs=("/dev/ram0,start=2048,count=8192" "/dev/ram1,count=8192")

# 1. Ours, then the kernel's, then ours again.
mount_volume chunk=1MiB "${legs[@]}"
assert_fails_with 'in use by another mirrorfs' table vol
filled "$VOL"
unmount
line="0 8192 mirror core 2 2048 nosync 2 /dev/ram0 2048 /dev/ram1 0 1 handle_errors"
assert_equal "vol: $line" "$(table --dry-run)"
assert_equal "vol,,,rw,$line" "$(table --dry-run --concise)"
assert_equal "$line" "$(table vol)"
in_kernel "$line"
cmp data /dev/mapper/vol
filled /dev/mapper/vol
assert_fails_with 'in use by another mirrorfs, a mount or another program' table
assert_fails_with 'in use by another mirrorfs, a mount or another program' "$MIRRORFS" mount "$CONFIG" "$MNT"
dmsetup table >printed
dmsetup remove vol
: >"$LOG"
mount_config
wait_idle
assert_match 'verify=finished' "$(cat "$LOG")"
assert_state AA 0x0 in-sync
cmp data "$VOL"
unmount

# 2. The kernel's, as it prints its table, becomes a config; and the table of that is the kernel's.
assert_fails_with 'has no name' "$MIRRORFS" dmsetup-table --import <<<"$line"
"$MIRRORFS" dmsetup-table --import printed | sed "s|^state_directory: .*|state_directory: $WORK/imported|" >imported.yaml
"$MIRRORFS" check imported.yaml
CONFIG=imported.yaml
assert_fails_with 'not been compared' table
mount_config
wait_idle
cmp data "$VOL"
unmount
assert_equal "$(cat printed)" "$(table | sed 's|/dev/ram|1:|g')"
STATE_DIRECTORY=$WORK/state CONFIG=$WORK/config.yaml

# 3. The first leg misses a write: the kernel copies the second one over it, never the other way.
mount_config
control pause
control 'fail 0'
filled "$VOL"
unmount
assert_fails_with "config.yaml:.*leg 0 was taken out of service" table
mount_config
control pause
control 'restore 0'
assert_equal SA "$(letters)"
unmount
assert_fails_with 'leg 0 has missed' table --source 0 vol
table vol >line 2>said.err
assert_equal "0 8192 mirror core 1 2048 2 /dev/ram1 0 /dev/ram0 2048 1 handle_errors" "$(cat line)"
assert_match 'copies leg 1 .*over the others' "$(cat said.err)"
in_kernel "$(cat line)"
cmp data /dev/mapper/vol
dmsetup remove vol
cmp data <(dd if=/dev/ram0 bs=1M skip=1 count=4 status=none)
cmp data <(dd if=/dev/ram1 bs=1M count=4 status=none)
# What it missed is not copied unasked: whoever had the legs may have changed them.
mount_config
wait_idle
assert_equal SA "$(letters)"
control resync
wait_until 20 has_letters AA || fail "not resynced: $(letters)"
cmp data "$VOL"

# 4. After a crash in the middle of writes nobody trusts both.
write_sectors "$VOL" 8 8 x
crash
assert_equal "0 8192 mirror core 1 2048 2 /dev/ram0 2048 /dev/ram1 0 1 handle_errors" "$(table --dry-run vol 2>/dev/null)"

# 5. Legs that differ are given to nobody until somebody says which is right.
mount_config
wait_idle
unmount
printf other | dd of=/dev/ram1 bs=512 seek=100 conv=notrunc status=none
table >/dev/null
mount_config
wait_idle
unmount
assert_fails_with 'differ in 1 sectors' table
assert_match 'core 1 2048 2 /dev/ram1 0 ' "$(table --dry-run --source 1 vol 2>/dev/null)"
