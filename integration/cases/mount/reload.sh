#!/usr/bin/env bash
# SIGHUP reads the config again: volumes come, go when nobody has them open, and are treated otherwise;
# a config with a mistake changes nothing; files that are open go on.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

for name in a b c d e f; do file_leg "$name" 1M; done
volume() { printf '  %s:\n    initial_sync: assume-in-sync\n%b    legs:\n' "$1" "${4:-}"; leg_lines "$WORK/$2.img" "$WORK/$3.img"; }
{ echo volumes:; volume vol a b; volume old c d; } | write_config
CONFIG=config.yaml # relative: the daemon has another folder by the time it reads it again
mount_config
# reload TEXT: sends the signal, and waits for the line that says what became of it.
reload() {
  kill -HUP "$(daemons)"
  is_told() { [ "$(log_lines reload= "$1")" -ge 1 ]; }
  wait_until 10 is_told "$1" || fail "no line with $1"
}
exec 3<>"$VOL"
write_sectors "$VOL" 0 4 a

# A mistake: nothing changes.
{ echo volumes:; volume vol a b '    read_polcy: primary\n'; volume new e f; } | write_config
reload "refused"
assert_match "config.yaml:[0-9]*:5: error: unknown key" "$(cat "$LOG")"
[ ! -e "$MNT/new" ] || fail "a volume came from a broken config"
[ -e "$MNT/old" ] || fail "a volume went with a broken config"
# What cannot change while it is mounted.
{ echo volumes:; volume vol a e; volume old c d; } | write_config
reload "changes one) cannot change"
assert_equal "$WORK/b.img 0+2048" "$(xattr "$VOL" leg.1.region)"

# One comes, one goes, one is treated otherwise.
write_sectors "$MNT/old" 0 4 o
{ echo volumes:; volume vol a b '    mode: "0600"\n    write_quorum: 2\n    truncate: refuse\n'; volume new e f; } | write_config
reload "done added=new removed=old"
names=("$MNT"/*)
assert_equal "$MNT/new $VOL" "${names[*]}"
assert_equal 600 "$(stat -c %a "$VOL")"
assert_fails truncate -s 0 "$VOL"
assert_match '"write_quorum":2' "$(xattr "$VOL" status)"
write_sectors "$MNT/new" 0 4 n
assert_equal n "$(sector_byte e.img 0)"
assert_same c.img d.img
assert_equal o "$(sector_byte c.img 0)"
# What was open is open.
printf x >&3
assert_equal x "$(head -c 1 "$VOL")"
# A volume that somebody has open stays.
exec 4<"$MNT/new"
{ echo volumes:; volume vol a b; } | write_config
reload "reload=kept"
[ -f "$MNT/new" ] || fail "gone while open"
exec 4<&-
reload "removed=new"
[ ! -e "$MNT/new" ] || fail "still there"
# Its legs are free again, and the state knows them.
{ echo volumes:; volume vol a b; volume new e f; } | write_config
reload "added=new removed=none"
assert_equal n "$(sector_byte "$MNT/new" 0)"
exec 3>&-
unmount
assert_same e.img f.img
