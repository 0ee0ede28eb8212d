#!/usr/bin/env bash
# dmsetup-table without a device: files and unknown words are refused with what to do instead, and a
# table that is read says everything that is wrong with it.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

m=$MIRRORFS
file_leg a 1M
first=$LEG
file_leg b 1M
config_for "$first" "$LEG"
assert_fails_with "config.yaml:[0-9]*:[0-9]*: error: volume vol: leg $first is a file.*losetup --find" "$m" dmsetup-table "$CONFIG"
assert_fails_with "config.yaml:[0-9]*:[0-9]*: error: volume vol: leg $first is a file.*losetup --find" "$m" dmsetup-table "$CONFIG" vol
assert_fails_with 'has no volume other; it has vol' "$m" dmsetup-table "$CONFIG" other
[ ! -e "$STATE_DIRECTORY" ] || fail "a refusal has made the state directory"
for words in "" "$CONFIG --name x" "--import $CONFIG vol" "$CONFIG --source 1"; do
  status=0
  # shellcheck disable=SC2086 # words
  "$m" dmsetup-table $words >/dev/null 2>&1 </dev/null || status=$?
  assert_equal 64 "$status" "dmsetup-table $words"
done
cat >tables <<'TABLES'
crypt: 0 65536 crypt aes-xts-plain64 :64:logon:x 0 8:1 0
gone: 0 8 linear 4000:1 0
TABLES
status=0
"$m" dmsetup-table --import tables >out 2>said.err || status=$?
assert_equal 1 "$status"
assert_equal "" "$(cat out)"
assert_equal "tables:1:16: tables:2:18:" "$(cut -d ' ' -f 1 said.err | tr '\n' ' ' | sed 's/ $//')"
# What it writes passes the check, with the state of an earlier use told of.
export XDG_STATE_HOME=$WORK HOME=$WORK
need_loop
loop_leg l 1M
number=$(lsblk -dno MAJ:MIN "$LEG" | tr -d ' ')
echo "0 2048 linear $number 0" | "$m" dmsetup-table --import --name l.img |
  sed "s|^state_directory: .*|state_directory: $STATE_DIRECTORY|" >"$CONFIG"
"$m" check "$CONFIG"
assert_match "path: $LEG " "$(cat "$CONFIG")"
assert_equal "l.img: 0 2048 linear $LEG 0" "$("$m" dmsetup-table "$CONFIG")"
