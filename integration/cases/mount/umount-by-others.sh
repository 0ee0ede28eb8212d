#!/usr/bin/env bash
# umount(8) and fusermount3 -u work as well: the process ends and frees its legs.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_root
file_leg a 1M
for way in "umount" "fusermount3 -u"; do
  mount_volume "$LEG"
  write_sectors "$VOL" 1 1 x
  $way "$MNT"
  wait_until 10 no_daemon || fail "the process lives on after $way"
done
