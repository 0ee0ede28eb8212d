#!/usr/bin/env bash
# Interface: what `init` writes passes `check` and can be mounted; legs that cannot be are refused.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

export HOME=$WORK XDG_STATE_HOME=$WORK/state
m=$MIRRORFS
# written LEG...: the config of these legs, which must pass the check; its text is in $CONFIG.
written() {
  "$m" init vol "$@" 2>said.err | sed "s|^state_directory: .*|state_directory: $STATE_DIRECTORY|" >"$CONFIG"
  "$m" check "$CONFIG" >/dev/null
}

# New files, with names that YAML would take for something else.
mkdir disk1 disk2 'odd: "name" #1'
written disk1/a 'odd: "name" #1/b' --size 1MiB
assert_match 'same file system' "$(cat said.err)"
assert_equal "" "$(ls disk1)" "init made something"
mount_config
VOL=$MNT/vol
write_sectors "$VOL" 0 2048 x
assert_equal 600 "$(stat -c %a "$VOL")"
unmount
assert_same disk1/a 'odd: "name" #1/b'

# Existing files of odd sizes: the smallest counts, in whole blocks, and nothing is overwritten.
truncate -s 1000001 disk1/small
truncate -s 3M disk2/large
printf X | dd of=disk2/large conv=notrunc status=none
written disk1/small disk2/large
assert_match 'size: 976KiB' "$(cat "$CONFIG")"
assert_match 'initial_sync: verify' "$(cat "$CONFIG")"
STATE_DIRECTORY=$WORK/other written disk1/small disk2/large
mount_config
wait_idle
assert_equal 0+1 "$(xattr "$VOL" disputed)" "what differs is left alone"
unmount
assert_equal X "$(head -c 1 disk2/large)"

# refused REGEX WORD...: nothing on stdout.
refused() {
  local pattern=$1
  shift
  if "$m" init "$@" >said.out 2>said.err; then fail "should have been refused: $*"; fi
  assert_match "$pattern" "$(cat said.err)"
  assert_equal "" "$(cat said.out)" "$*"
}
refused "say how large to make them" vol disk1/new disk2/new
refused "holds 976KiB|holds 999936B" vol disk1/small --size 2MiB
refused "no name for a volume" a/b disk1/small
refused "new file in a folder that there is" vol nowhere/a --size 1MiB
refused "is a directory" vol disk1
refused "less than one sector" vol "$(: >empty; echo empty)"
refused "used twice|same sectors|already" vol disk1/small disk1/small
refused "with a unit" vol disk1/new --size 7
if [ "$(id -u)" -eq 0 ] && losetup -f >/dev/null 2>&1; then
  loop_leg c 2M --sector-size 4096
  written "$LEG" disk2/large
  assert_match 'size: 2MiB' "$(cat "$CONFIG")"
  assert_match 'logical blocks of 4096 bytes' "$(cat "$CONFIG")"
fi
