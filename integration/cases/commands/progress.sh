#!/usr/bin/env bash
# Interface: --wait shows a bar with rate and ETA on a terminal and plain lines elsewhere; Ctrl-C
# leaves the work running and says so; colours only on a terminal, and not with NO_COLOR.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need script python3
m=$MIRRORFS
file_leg a 8M x # no holes, which a scrub passes over
first=$LEG
file_leg b 8M x
mount_volume resync_rate=4MiB "$first" "$LEG"
escape=$'\e'

# on_terminal COMMAND...: what it shows on a terminal.
on_terminal() {
  local words
  printf -v words '%q ' "$@"
  TERM=xterm script -qec "$words" /dev/null </dev/null
}

# A terminal: a bar, a rate and an ETA, and the end.
said=$(on_terminal "$m" scrub "$VOL" --wait)
assert_match '\[.*#.*\.*\] scrub [0-9.]+% [0-9]+MiB/s eta=[0-9]+s' "$said"
assert_match "scrub done in [0-9]+ s" "$said"
# No terminal: no bar, no escapes.
said=$("$m" scrub "$VOL" --wait 2>&1)
assert_equal "" "$said" "a scrub of two seconds"
"$m" rate "$VOL" 1MiB
said=$("$m" scrub "$VOL" --wait 2>&1)
assert_match "vol: scrub [0-9.]+% .*eta=" "$said" "a line every five seconds"
if [[ $said == *"$escape"* || $said == *'['* ]]; then fail "a bar without a terminal: $said"; fi

# Ctrl-C: the command ends, the work does not.
"$m" rate "$VOL" 512KiB
python3 - "$m" "$VOL" <<'PYTHON' || fail "Ctrl-C"
import os, pty, signal, sys, time
process, terminal = pty.fork()
if process == 0:
    os.execv(sys.argv[1], [sys.argv[1], "scrub", sys.argv[2], "--wait"])
said = b""
end = time.time() + 20
while b"MiB/s" not in said and b"scrub 0" not in said and time.time() < end:
    said += os.read(terminal, 4096)
os.write(terminal, b"\x03")
try:
    while True:
        part = os.read(terminal, 4096)
        if not part:
            break
        said += part
except OSError:
    pass
_, status = os.waitpid(process, 0)
assert os.waitstatus_to_exitcode(status) == 130, (status, said)
assert b"stopped waiting; the work goes on" in said, said
PYTHON
assert_match "^scrub " "$(xattr "$VOL" progress)"
"$m" scrub "$VOL" --cancel
wait_idle

# Colours.
said=$(on_terminal "$m" status "$VOL")
assert_match "$escape\[32min-sync" "$said"
said=$(NO_COLOR=1 on_terminal "$m" status "$VOL")
assert_match "vol: in-sync" "$said"
if [[ $said == *"$escape"* ]]; then fail "colours in spite of NO_COLOR: $said"; fi
said=$("$m" status "$VOL")
if [[ $said == *"$escape"* ]]; then fail "colours without a terminal: $said"; fi

# --watch shows changes as they come.
"$m" status --watch "$VOL" >watched &
watcher=$!
wait_until 5 grep -q "vol: in-sync" watched || fail "nothing is shown"
"$m" fail "$VOL" 1
wait_until 5 grep -q "leg 1  taken-out" watched || fail "the change is not shown: $(cat watched)"
end_process "$watcher"
