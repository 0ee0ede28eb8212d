#!/usr/bin/env bash
# Interface: what a user can get wrong is answered with what to do instead, on stderr.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

m=$MIRRORFS
file_leg a 1M
first=$LEG
file_leg b 1M
mount_volume "$first" "$LEG"

# refused STATUS REGEX WORD...: that exit status, that message, and nothing on stdout.
refused() {
  local status=$1 pattern=$2 found=0
  shift 2
  "$m" "$@" >said.out 2>said.err || found=$?
  assert_equal "$status" "$found" "$* (said: $(cat said.err))"
  assert_match "$pattern" "$(cat said.err)" "$*"
  assert_equal "" "$(cat said.out)" "stdout of $*"
}

# No volume: what there is instead.
for command in resync scrub clear-errors pause resume map; do
  refused 1 "$MNT: is a mount point, not a volume; name one of $VOL" "$command" "$MNT"
  refused 1 "nowhere: no such file; a volume is named by its path" "$command" nowhere
  refused 1 "a.img: not a volume of a mounted mirrorfs.*mirrorfs status" "$command" a.img
done
refused 1 "did you mean .*$VOL" resync vol
refused 1 "is a mount point" fail "$MNT" 0
refused 1 "is a mount point" rate "$MNT" 1MiB
refused 3 "not a volume of a mounted mirrorfs.*mirrorfs status" status a.img
refused 3 "no such file" status "$WORK/nowhere"

# No such leg.
for words in "fail $VOL 2" "restore $VOL 2" "resync $VOL --source 2" \
  "scrub $VOL --repair --source 2" "replace $VOL 2 $WORK/c.img"; do
  # shellcheck disable=SC2086 # several words on purpose
  refused 1 "there is no leg 2: it has legs 0 to 1; .mirrorfs status" $words
done
refused 1 "no such leg or range" scrub "$VOL" --range 2040+9

# replace: the new leg is looked at first.
refused 1 "c.img: No such file.*make it first" replace "$VOL" 1 "$WORK/c.img"
truncate -s 4K small.img
refused 1 "too small.*stat -c %s" replace "$VOL" 1 "$WORK/small.img"
refused 1 "lies in the mount" replace "$VOL" 1 "$VOL"
refused 1 "in use" replace "$VOL" 1 "$first"

# mount and umount.
refused 1 "make it first: .mkdir -p" mount "$CONFIG" "$WORK/nowhere"
refused 1 "not a folder" mount "$CONFIG" "$WORK/a.img"
refused 1 "mounted there already; .mirrorfs umount" mount "$CONFIG" "$MNT"
refused 1 "nowhere.yaml:1:1: error: .*name a readable file" mount nowhere.yaml "$WORK"
refused 1 "not a mounted mirrorfs; .mirrorfs status" umount "$WORK"
(cd "$MNT" && exec sleep 60) &
busy=$!
wait_until 5 test "/proc/$busy/cwd" -ef "$MNT" || fail "no process in the mount"
refused 1 "busy.*fuser -vm" umount "$MNT"
end_process "$busy"

# Words that mean nothing: 64, with the usage.
refused 64 "Usage: mirrorfs fail" fail "$VOL"
refused 64 "See 'mirrorfs --help'" nonsense
refused 64 "leave --json out" status --watch --json
refused 64 "an amount is a number with a unit" rate "$VOL" 7
refused 64 "from 8 to 512" map "$VOL" --width 1
refused 64 "unknown mount option: fast" mount "$CONFIG" "$MNT" -o fast

# Somebody who may not.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
  unmount
  config_for allow_other=true mode='"0644"' "$first" "$LEG"
  mount_config
  m_as_nobody() { as_nobody "$MIRRORFS" "$@"; }
  assert_fails_with "only who may write the volume may do this" m_as_nobody fail "$VOL" 1
  assert_equal "all volumes are in sync" "$(m_as_nobody status -x "$MNT")"
fi

# Somebody who did not mount it, without allow_other; a mount whose daemon hangs.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
  unmount
  config_for "$first" "$LEG"
  mount_config
  assert_fails_with "only with .allow_other: true" m_as_nobody resync "$VOL"
  assert_fails_with "only with .allow_other: true" m_as_nobody status "$MNT"
  assert_equal 3 "$STATUS" "who may not look cannot tell"
fi
process=$(daemons)
kill -STOP "$process"
defer kill -CONT "$process"
assert_fails_with "has not answered for 10 s" timeout 40 "$m" status -x "$MNT"
assert_equal 3 "$STATUS" "a daemon that is stopped"
kill -CONT "$process"
assert_equal "all volumes are in sync" "$("$m" status -x "$MNT")"

# A daemon that is gone.
process=$(daemons)
kill -KILL "$process"
wait_until 5 gone "$process"
refused 1 "its daemon is gone; mount it again" resync "$VOL"
refused 3 "its daemon is gone; mount it again" status "$MNT"
