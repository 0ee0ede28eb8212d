# shellcheck shell=bash
# What a case may leave behind: processes, mounts, loop devices. Everything is found by the case's
# own directory and by the marker MIRRORFS_CASE_ID in its environment, and ended by id.

# processes_of ID DIRECTORY: the ids of the processes that the case started and that still live.
processes_of() {
  local id=$1 directory=$2 patterns entry
  patterns=$(mktemp)
  printf 'MIRRORFS_CASE_ID=%s\n' "$id" >"$patterns"
  {
    grep -lzxF -f "$patterns" /proc/[0-9]*/environ 2>/dev/null || true
    printf '%s/\n' "$directory" >"$patterns"
    grep -lzF -f "$patterns" /proc/[0-9]*/cmdline 2>/dev/null || true
  } | while read -r entry; do
    entry=${entry#/proc/}
    echo "${entry%%/*}"
  done | sort -nu
  rm -f "$patterns"
}

# mounts_below DIRECTORY: mount points at or below it, the newest first.
mounts_below() {
  awk -v d="$1" '$5 == d || index($5, d "/") == 1 { print $5 }' /proc/self/mountinfo | tac
}

# loops_below DIRECTORY: loop devices whose backing file is below it.
loops_below() {
  command -v losetup >/dev/null || return 0
  losetup --list --noheadings --raw --output NAME,BACK-FILE 2>/dev/null |
    awk -v d="$1" 'index($2, d "/") == 1 { print $1 }' || true
}

# leftovers ID DIRECTORY: one line for each thing that is still there.
leftovers() {
  local id=$1 directory=$2 item
  for item in $(processes_of "$id" "$directory"); do
    echo "left over: process $item $(tr '\0' ' ' 2>/dev/null <"/proc/$item/cmdline" || true)"
  done
  for item in $(mounts_below "$directory"); do echo "left over: mount $item"; done
  for item in $(loops_below "$directory"); do echo "left over: loop device $item"; done
}

# clean_leftovers ID DIRECTORY: ends and detaches all of it, gently first.
clean_leftovers() {
  local id=$1 directory=$2 signal item
  for signal in TERM CONT KILL; do
    for item in $(processes_of "$id" "$directory"); do kill -s "$signal" "$item" 2>/dev/null || true; done
    [ -z "$(processes_of "$id" "$directory")" ] || sleep 0.5
  done
  for item in $(mounts_below "$directory"); do umount -l "$item" 2>/dev/null || true; done
  for item in $(loops_below "$directory"); do losetup -d "$item" 2>/dev/null || true; done
}
