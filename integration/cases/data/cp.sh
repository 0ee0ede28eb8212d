#!/usr/bin/env bash
# F1, M3: 200 MiB of random bytes, copied in with cp, are equal in the volume and on both legs;
# with both engines.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

random_file source $((200 << 20))
for engine in uring threads; do
  file_leg "a.$engine" 200M
  first=$LEG
  file_leg "b.$engine" 200M
  mount_volume "engine=$engine" "$first" "$LEG"
  cp source "$VOL"
  assert_same source "$VOL"
  assert_state AA 0x0 in-sync
  unmount
  assert_legs_equal source "$first" "$LEG"
  rm -f "$first" "$LEG"
done
