# shellcheck shell=bash
# Mounting volumes and reading their state. One mount a case is the rule; a second one changes
# MNT, CONFIG, LOG and STATE_DIRECTORY first.
MNT=$WORK/mnt CONFIG=$WORK/config.yaml LOG=$WORK/mirrorfs.log STATE_DIRECTORY=$WORK/state
VOL=$MNT/vol

# write_config: the text on standard input below the lines that every config needs.
write_config() {
  { printf 'version: 1\nstate_directory: %s\n' "$STATE_DIRECTORY"; cat; } >"$CONFIG"
}

# leg_lines LEG[,KEY=VALUE...]...: the config's list of legs.
leg_lines() {
  local leg fields field
  for leg in "$@"; do
    IFS=, read -r -a fields <<<"$leg"
    printf '      - path: "%s"\n' "${fields[0]}"
    for field in "${fields[@]:1}"; do printf '        %s: %s\n' "${field%%=*}" "${field#*=}"; done
  done
}

# config_for [KEY=VALUE...] LEG[,KEY=VALUE...]...: a config of one volume, "vol". Legs begin with
# a slash; the keys allow_other, engine and transport go to the top.
config_for() {
  local top='' volume=''
  while [[ ${1:-} == [a-z]*=* ]]; do
    case $1 in
      allow_other=* | engine=* | transport=*) top+="${1%%=*}: ${1#*=}"$'\n' ;;
      *) volume+="    ${1%%=*}: ${1#*=}"$'\n' ;;
    esac
    shift
  done
  [ -z "${MIRRORFS_CACHE:-}" ] || [[ $volume == *cache:* ]] || volume+="    cache: $MIRRORFS_CACHE"$'\n'
  [[ $volume == *initial_sync:* ]] || volume+=$'    initial_sync: assume-in-sync\n'
  { printf '%svolumes:\n  vol:\n%s    legs:\n' "$top" "$volume"; leg_lines "$@"; } | write_config
}

# mount_config [OPTION...]: mounts $CONFIG on $MNT in the background; back when it is ready.
mount_config() {
  local engine=() transport=()
  [ -z "${MIRRORFS_ENGINE:-}" ] || engine=(--engine "$MIRRORFS_ENGINE")
  [ -z "${MIRRORFS_TRANSPORT:-}" ] || transport=(--transport "$MIRRORFS_TRANSPORT")
  mkdir -p "$MNT"
  defer unmount_at_end "$MNT"
  "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG" "${engine[@]}" "${transport[@]}" "$@"
  mounted "$MNT" || fail "mount said yes, but nothing is mounted on $MNT"
}

# mount_volume [KEY=VALUE...] LEG[,KEY=VALUE...]...: config_for and mount_config; $VOL is the file.
mount_volume() {
  config_for "$@"
  mount_config
  VOL=$MNT/vol
  [ -f "$VOL" ] || fail "no file $VOL"
}

mounted() { grep -q " $1 " /proc/self/mountinfo; }
not_mounted() { ! mounted "$1"; }

# daemons [MOUNT_POINT]: ids of this case's mirrorfs processes that serve the mount point.
daemons() {
  local process exe
  exe=$(realpath "$MIRRORFS")
  for process in $(processes_of "$MIRRORFS_CASE_ID" "$WORK"); do
    if [ "$(readlink "/proc/$process/exe" 2>/dev/null)" = "$exe" ] &&
      tr '\0' '\n' 2>/dev/null <"/proc/$process/cmdline" | grep -qxF -- "${1:-$MNT}"; then
      echo "$process"
    fi
  done
}
no_daemon() { [ -z "$(daemons "$@")" ]; }

# unmount [MOUNT_POINT]: as a user does it; back when the process has ended.
unmount() {
  local target=${1:-$MNT}
  "$MIRRORFS" umount "$target"
  wait_until 10 not_mounted "$target" || fail "still mounted: $target"
  wait_until 10 no_daemon "$target" || fail "still running after umount: $(daemons "$target")"
}

unmount_at_end() {
  local process
  if mounted "$1"; then "$MIRRORFS" umount "$1" || umount -l "$1"; fi
  wait_until 5 no_daemon "$1" || for process in $(daemons "$1"); do kill -KILL "$process"; done
}

# xattr FILE NAME: the value of user.mirrorfs.NAME.
xattr() { getfattr --absolute-names --only-values -n "user.mirrorfs.$2" -- "$1"; }
letters() { xattr "${1:-$VOL}" legs; }
error_bits() { xattr "${1:-$VOL}" error_bits; }
state() { xattr "${1:-$VOL}" state; }
control() { setfattr -n user.mirrorfs.control -v "$1" -- "${2:-$VOL}"; }

# assert_state LETTERS ERROR_BITS STATE [VOLUME]
assert_state() {
  assert_equal "$1" "$(letters "${4:-$VOL}")" "letters"
  assert_equal "$2" "$(error_bits "${4:-$VOL}")" "error_bits"
  assert_equal "$3" "$(state "${4:-$VOL}")" "state"
}
has_letters() { [ "$(letters "${2:-$VOL}")" = "$1" ]; }

# log_lines WORD...: how many lines of the log hold all the words.
log_lines() {
  local word lines
  lines=$(cat "$LOG" 2>/dev/null || true)
  for word in "$@"; do lines=$(grep -F -- "$word" <<<"$lines" || true); done
  grep -c . <<<"$lines" || true
}

# write_sectors FILE FIRST COUNT [BYTE [DD_ARGUMENT...]]: writes COUNT sectors of one byte.
write_sectors() {
  local file=$1 first=$2 count=$3 byte=${4:-A}
  shift $(($# < 4 ? $# : 4))
  filled_with "$byte" $((count * 512)) >"$WORK/.pattern.$BASHPID"
  dd if="$WORK/.pattern.$BASHPID" of="$file" bs=$((count * 512)) seek=$((first * 512)) \
    oflag=direct,seek_bytes conv=notrunc status=none "$@"
}

# sector_byte FILE SECTOR [DD_ARGUMENT...]: the first byte of a sector, past the page cache.
sector_byte() {
  local file=$1 sector=$2
  shift 2
  dd if="$file" bs=512 skip="$sector" count=1 iflag=direct status=none "$@" | head -c 1 | tr '\0' '0'
}

# bytes_of FILE FIRST_BYTE COUNT
bytes_of() { dd if="$1" skip="$2" count="$3" iflag=skip_bytes,count_bytes status=none; }

# filled_with CHARACTER BYTES: that many of it; 0 stands for the zero byte.
filled_with() {
  if [ "$1" = 0 ]; then head -c "$2" /dev/zero; else head -c "$2" /dev/zero | tr '\0' "$1"; fi
}

# random_file FILE BYTES
random_file() { head -c "$2" /dev/urandom >"$1"; }

# as_nobody COMMAND...
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"; }

# crash [MOUNT_POINT]: ends the daemon as a power cut of the process would, and takes the dead
# mount away. Only a process of this case.
crash() {
  local target=${1:-$MNT} process
  for process in $(daemons "$target"); do kill -KILL "$process"; done
  wait_until 10 no_daemon "$target" || fail "killed, and still there"
  fusermount3 -u -z "$target" 2>/dev/null || umount -l "$target"
  wait_until 10 not_mounted "$target" || fail "still mounted: $target"
}

# is_idle [VOLUME]: no background work is left to do.
is_idle() { [ "$(xattr "${1:-$VOL}" progress)" = none ]; }
wait_idle() { wait_until 30 is_idle "$@" || fail "not done: $(xattr "${1:-$VOL}" progress)"; }

# iops FILE read|write DEPTH [FIO_ARGUMENT...]: random 4 KiB operations a second, past the page cache.
iops() {
  local file=$1 way=$2 depth=$3 side=0
  [ "$way" = read ] || side=41
  fio --name=iops --filename="$file" --rw="rand$way" --bs=4k --ioengine=libaio --iodepth="$depth" \
    --direct=1 --time_based --runtime=2 --ramp_time=0.3 --size="$(stat -c %s "$file")" \
    --minimal "${@:4}" | cut -d ';' -f $((8 + side)) | cut -d . -f 1
}

# assert_ratio LEAST A B [MESSAGE]: A is at least LEAST percent of B.
assert_ratio() {
  [ $((100 * $2)) -ge $(($1 * $3)) ] || fail "${4:-too slow}: $2 is less than $1 % of $3"
}

# assert_paired LEAST MESSAGE A B: A prints at least LEAST percent of what B prints, in one of three pairs:
# a machine that does something else for a moment is no failure.
assert_paired() {
  local a b pairs=()
  for _ in 1 2 3; do
    b=$($4)
    a=$($3)
    [ $((100 * a)) -lt $(($1 * b)) ] || return 0
    pairs+=("$a of $b")
  done
  fail "$2: less than $1 %, each time: ${pairs[*]}"
}

# allow_ring Y|N: whether the kernel offers FUSE over io_uring to new mounts. It is as before at the
# end. One case at a time: it is the whole system's setting.
RING_SWITCH=/sys/module/fuse/parameters/enable_uring
allow_ring() {
  [ -e "$RING_SWITCH" ] || skip "the kernel has no FUSE over io_uring"
  if [ -z "${RING_BEFORE:-}" ]; then
    RING_BEFORE=$(cat "$RING_SWITCH")
    exec {RING_LOCK}>"${TMPDIR:-/tmp}/mirrorfs-ring.lock"
    flock "$RING_LOCK"
    defer sh -c "echo $RING_BEFORE >$RING_SWITCH"
  fi
  { echo "$1" >"$RING_SWITCH"; } 2>/dev/null || skip "only root may switch FUSE over io_uring"
}
