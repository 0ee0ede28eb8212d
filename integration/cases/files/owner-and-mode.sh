#!/usr/bin/env bash
# F7: owner, group and mode come from the config and the kernel enforces them; others come in only
# with allow_other.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_root
need setpriv
file_leg a 1M
mount_volume allow_other=true mode='"0600"' "$LEG"
assert_equal "600 0 0" "$(stat -c '%a %u %g' "$VOL")"
assert_fails_with "Permission denied" as_nobody head -c 1 "$VOL"
unmount
mount_volume allow_other=true mode='"0640"' owner=nobody group=nogroup "$LEG"
assert_equal "640 nobody nogroup" "$(stat -c '%a %U %G' "$VOL")"
as_nobody dd if=/dev/zero of="$VOL" bs=512 count=1 conv=notrunc status=none
unmount
mount_volume allow_other=true mode='"0644"' "$LEG"
as_nobody head -c 1 "$VOL" >/dev/null
assert_fails_with "Permission denied" as_nobody dd if=/dev/zero of="$VOL" bs=512 count=1 conv=notrunc status=none
assert_fails_with "Permission denied" as_nobody truncate -s 0 "$VOL"
unmount
mount_volume mode='"0666"' "$LEG"
assert_fails_with "Permission denied" as_nobody head -c 1 "$VOL"
unmount
config_for owner=no-such-user-here "$LEG"
assert_fails_with "no-such-user-here" "$MIRRORFS" check "$CONFIG"
