#!/usr/bin/env bash
# Interface: on_change is run when a state changes, with the facts in its environment; it never holds
# up I/O, is killed when it takes too long, and what it does wrong is logged.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 2M
first=$LEG
file_leg b 2M
cat >hook <<HOOK
#!/bin/bash
# One line a run: the facts, what is blocked or open, and whether the mount answers meanwhile.
while read -r key value; do
  if [ "\$key" = SigBlk: ]; then blocked=\$value; fi
done </proc/self/status
# Without a pipe, whose ends would be among them. 255 is the script, 3 this look.
descriptors=''
for descriptor in /proc/\$\$/fd/*; do descriptors+="\${descriptor##*/} "; done
line=\$({ printf '%s|' "\$MIRRORFS_EVENT" "\$MIRRORFS_VOLUME" "\$MIRRORFS_LEG" "\$MIRRORFS_LEG_STATE" \\
    "\$MIRRORFS_STATE" "\$MIRRORFS_LEGS" "\$MIRRORFS_ERROR_BITS" "\$MIRRORFS_DEVICE" "\$MIRRORFS_MOUNT_POINT"
  printf '%s|' "\$descriptors" "\$blocked"
  getfattr --absolute-names --only-values -n user.mirrorfs.legs "\$MIRRORFS_MOUNT_POINT/\$MIRRORFS_VOLUME"
  printf '|%s\\n' "\$MIRRORFS_SKIPPED"; })
echo "\$line" >>"$WORK/runs"
[ "\$MIRRORFS_EVENT" != leg ] || echo "\${EPOCHREALTIME/./}" >>"$WORK/begun"
[ ! -e "$WORK/linger" ] || sleep 100
[ ! -e "$WORK/complain" ] || exit 3
HOOK
chmod +x hook
config_for "$first" "$LEG"
sed -i "1a on_change: hook" "$CONFIG"
mount_config --on-change-limit 2s
m=$MIRRORFS
"$m" fault "$VOL" 1 eio
write_sectors "$VOL" 16 8 x
has_run() { grep -qF -- "$1" runs; }
wait_until 10 has_run "leg|vol|1|write-failed|degraded|AD|0x2|$WORK/b.img|$MNT|" || fail "not run: $(cat runs)"
line=$(grep -F 'write-failed' runs)
assert_match '\|0 1 2 (255 )?(3 )?\|0000000000000000\|AD\|0$' "$line" "descriptors, signals, the mount"
"$m" fault "$VOL" 1 off
"$m" resync "$VOL" --wait
wait_until 10 has_run "leg|vol|1|alive|in-sync|AA|0x0|" || fail "the way back is not told: $(cat runs)"

# A program that does not end is killed, with what it has started, and nobody waits for it.
touch linger
"$m" fault "$VOL" 1 eio
began=${EPOCHREALTIME/./}
for sector in 24 32 40; do write_sectors "$VOL" $sector 8 y; done
[ $((${EPOCHREALTIME/./} - began)) -lt 900000 ] || fail "writes waited for the program"
# What changes meanwhile is told of by the newest change, with the number of those it stands for.
"$m" fault "$VOL" 1 off
"$m" resync "$VOL" --wait
"$m" fault "$VOL" 1 enospc
write_sectors "$VOL" 48 8 y
rm linger
wait_until 10 grep -q 'on_change=killed' "$LOG" || fail "not killed: $(cat "$LOG")"
last_is() { [[ $(grep '^leg|vol|1|' runs | tail -n 1) == "leg|vol|1|$1|$2|$3|"*"|"$4 ]]; }
wait_until 10 last_is no-space degraded AN '[1-9]' || fail "the last word is missing: $(cat runs)"

# For one leg it is started once a second at most, however fast its letters change.
"$m" fault "$VOL" 1 off
"$m" resync "$VOL" --wait
wait_until 10 last_is alive in-sync AA '[0-9]' || fail "the way back is not told: $(cat runs)"
rm begun
for _ in 1 2 3 4; do
  "$m" fail "$VOL" 1
  wait_until 10 test -s begun || fail "not run: $(cat runs)"
  "$m" restore "$VOL" 1 --wait
done
"$m" fail "$VOL" 1
ended() { [ "$(wc -l <begun)" -ge 2 ] && last_is taken-out degraded AO '[0-9]'; }
wait_until 10 ended || fail "the last word is missing: $(cat runs)"
before=0 runs=0
while read -r now; do
  # A little less than a second, because each begins a moment after its time.
  [ $((now - before)) -ge 300000 ] || fail "$((now - before)) us after the last run: $(cat runs)"
  before=$now runs=$((runs + 1))
done <begun
assert_at_least 2 "$runs" "runs"
"$m" restore "$VOL" 1 --wait

# One that fails is logged.
touch complain
"$m" fail "$VOL" 1
wait_until 10 grep -q 'on_change=failed .*status=3' "$LOG" || fail "its status is not logged"
unmount

# What cannot be run is refused with its place.
for program in nothing "$WORK" a.img; do
  sed -i "s|^on_change: .*|on_change: $program|" "$CONFIG"
  assert_fails_with "config.yaml:2:12: error: .* is no program that can be run" "$m" check "$CONFIG"
done
