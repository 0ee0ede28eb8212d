#!/usr/bin/env bash
# Interface: usage errors are exit 64 with a word on stderr; help and version are exit 0 on stdout.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

for arguments in "nonsense" "mount" "mount $CONFIG" "umount" "check" "mount $CONFIG $MNT --nonsense" "check $CONFIG surplus"; do
  # shellcheck disable=SC2086 # several words on purpose
  assert_fails "$MIRRORFS" $arguments
  assert_equal 64 "$STATUS" "exit status of: mirrorfs $arguments ($SAID)"
done
for command in "" mount umount check; do
  # shellcheck disable=SC2086
  "$MIRRORFS" $command --help >help.out 2>help.err
  [ -s help.out ] || fail "no help on stdout: mirrorfs $command --help"
done
assert_fails "$MIRRORFS" check "$WORK/absent.yaml"
assert_match 'absent\.yaml' "$SAID"
