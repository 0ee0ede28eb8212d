#!/usr/bin/env bash
# The unit in a real systemd, as init: active when mounted and not before, reloaded, restarted when killed
# or hung, unmounted cleanly, within its sandbox.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_systemd "$LIB/../debian/mirrorfs@.service"
unit=mirrorfs@disks.service MNT=/srv/disks CONFIG=/etc/mirrorfs/disks.yaml STATE_DIRECTORY=/var/lib/mirrorfs
VOL=$MNT/vol
property() { systemctl show -P "$1" "$unit"; }
is() { [ "$(property "$1")" = "$2" ]; }
answers_anew() { [ "$(property MainPID)" != "$1" ] && is ActiveState active && [ "$(xattr "$MNT" pid)" = "$(property MainPID)" ]; }

assert_fails_with 'Assertion failed' systemctl start "$unit" # there is no config
mkdir -p /etc/mirrorfs "$STATE_DIRECTORY"
config_for /dev/ram0 /dev/ram1
# Somebody has the state directory, so that "not yet" can be seen.
exec {held}>"$STATE_DIRECTORY/lock"
flock "$held"
systemctl start --no-block "$unit"
is_waiting() { find "/proc/$(property MainPID)/fd" -lname "$STATE_DIRECTORY/lock" 2>/dev/null | grep -q .; }
wait_until 30 is_waiting || fail "does not want the state directory: $(systemctl status "$unit")"
is SubState start || fail "$(property SubState) before it is mounted"
exec {held}>&-
wait_until 20 is ActiveState active || fail "not started: $(systemctl status "$unit")"
mounted "$MNT" || fail "active, and not mounted"
assert_equal "mounted on $MNT" "$(property StatusText)"
assert_equal "$(property MainPID)" "$(xattr "$MNT" pid)"

# Its sandbox is in force (new rights only for fusermount3): few capabilities, system calls filtered, no other devices.
status=/proc/$(property MainPID)/status
assert_equal "0 2" "$(awk '/^NoNewPrivs/ {n = $2} /^Seccomp:/ {s = $2} END {print n, s}' "$status")"
assert_equal 00000000002000ce "$(awk '/^CapBnd/ {print $2}' "$status")"
write_sectors "$VOL" 8 8 x
assert_equal x "$(sector_byte /dev/ram1 8)"

# A reload reads the config again.
cat >>"$CONFIG" <<'YAML'
  more:
    legs:
      - path: /dev/ram2
YAML
systemctl reload "$unit"
wait_until 20 test -e "$MNT/more" || fail "no new volume"
wait_until 20 is SubState running || fail "still $(property SubState)"

# Killed: it is started again, and everything is there.
first=$(property MainPID) restarts=$(property NRestarts)
kill -KILL "$first"
wait_until 30 answers_anew "$first" || fail "not restarted: $(systemctl status "$unit")"
assert_equal x "$(sector_byte "$VOL" 8)"
assert_equal $((restarts + 1)) "$(property NRestarts)"

# Hung: no pings, so it is ended and started again.
mkdir /run/systemd/system/$unit.d
printf '[Service]\nWatchdogSec=3\n' >/run/systemd/system/$unit.d/short.conf
systemctl daemon-reload
systemctl restart "$unit"
assert_equal 3s "$(property WatchdogUSec)"
sleep 4
assert_equal 0 "$(property NRestarts)" "pings keep it alive"
first=$(property MainPID)
kill -STOP "$first"
wait_until 40 answers_anew "$first" || fail "not restarted: $(systemctl status "$unit")"
assert_equal x "$(sector_byte "$VOL" 8)"
write_sectors "$VOL" 16 8 y

# Stopped: unmounted, flushed, and the state says so.
systemctl stop "$unit"
assert_equal "inactive success" "$(property ActiveState) $(property Result)"
not_mounted "$MNT" || fail "still mounted"
cmp /dev/ram0 /dev/ram1
systemctl start "$unit"
assert_state AA 0x0 in-sync
assert_equal y "$(sector_byte "$VOL" 16)"
systemctl stop "$unit"
