#!/usr/bin/env bash
# Interface: `check` of a good config is exit 0 and silent about errors; it touches nothing, holds
# no lock, and works while the volume is mounted.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M x
first=$LEG
file_leg b 1M x
config_for intent=off engine=auto "$first" "$LEG,io=auto"
before=$(stat -c '%n %y %s' -- *.img; ls -a)
"$MIRRORFS" check "$CONFIG"
assert_equal "$before" "$(stat -c '%n %y %s' -- *.img; ls -a)" "what is in the directory"
mount_config
"$MIRRORFS" check "$CONFIG"
assert_equal x "$(sector_byte "$VOL" 1)"
