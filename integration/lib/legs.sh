# shellcheck shell=bash
# Legs, good and bad. Each function sets LEG to the path that goes into a config. The bytes of leg
# NAME are in $WORK/NAME.img, so they can be read (or spoilt) behind the mirror's back.

# file_leg NAME SIZE [CHARACTER]: a plain file; sparse zeroes, or filled with the character.
file_leg() {
  LEG=$WORK/$1.img
  if [ -n "${3:-}" ]; then filled_with "$3" "$(numfmt --from=iec "$2")" >"$LEG"; else truncate -s "$2" "$LEG"; fi
}

# loop_leg NAME SIZE [LOSETUP_OPTION...]: a loop block device.
loop_leg() {
  local image=$WORK/$1.img
  [ -e "$image" ] || truncate -s "$2" "$image"
  LEG=$(losetup --find --show "${@:3}" "$image") || skip "no loop device to be had"
  defer losetup -d "$LEG"
}

# serve_leg NAME NBDKIT_ARGUMENT...: nbdkit behind nbdfuse; the leg is $WORK/NAME.nbd/disk.
serve_leg() {
  local name=$1 socket=$WORK/$1.sock server client
  shift
  mkdir "$WORK/$name.nbd"
  nbdkit -f -U "$socket" -P "$WORK/$name.nbdkit.pid" "$@" >>"$WORK/$name.nbdkit.out" 2>&1 &
  server=$!
  defer end_process "$server"
  wait_until 10 test -s "$WORK/$name.nbdkit.pid" || fail "nbdkit: $(cat "$WORK/$name.nbdkit.out")"
  nbdfuse -P "$WORK/$name.nbdfuse.pid" "$WORK/$name.nbd/disk" "nbd+unix:///?socket=$socket" \
    >>"$WORK/$name.nbdfuse.out" 2>&1 &
  client=$!
  defer end_process "$client"
  defer fusermount3 -u -z "$WORK/$name.nbd"
  wait_until 10 test -s "$WORK/$name.nbdfuse.pid" || fail "nbdfuse: $(cat "$WORK/$name.nbdfuse.out")"
  LEG=$WORK/$name.nbd/disk
}

# leg_with_errors NAME SIZE [ERRNO]: a leg that fails on demand: see fail_writes and fail_reads.
leg_with_errors() {
  local name=$1 errno=${3:-EIO} operation arguments=()
  need_faults
  [ -e "$WORK/$name.img" ] || truncate -s "$2" "$WORK/$name.img"
  for operation in pwrite zero trim; do
    arguments+=("error-$operation-rate=100%" "error-$operation-file=$WORK/$name.fail-writes")
  done
  serve_leg "$name" --filter=error file "$WORK/$name.img" error="$errno" "${arguments[@]}" \
    error-pread-rate=100% error-pread-file="$WORK/$name.fail-reads"
}
fail_writes() { touch "$WORK/$1.fail-writes"; }
mend_writes() { rm -f "$WORK/$1.fail-writes"; }
fail_reads() { touch "$WORK/$1.fail-reads"; }
mend_reads() { rm -f "$WORK/$1.fail-reads"; }

# slow_leg NAME SIZE MILLISECONDS: each write takes that long.
slow_leg() {
  need_faults
  truncate -s "$2" "$WORK/$1.img"
  serve_leg "$1" --filter=delay file "$WORK/$1.img" delay-write="${3}ms"
}

# delayed_leg NAME SIZE MILLISECONDS [MOST]: each read and each write takes that long, so many at once.
delayed_leg() {
  need_faults
  [ -e "$WORK/$1.img" ] || truncate -s "$2" "$WORK/$1.img"
  serve_leg "$1" -t "${4:-80}" --filter=delay file "$WORK/$1.img" delay-write="${3}ms" delay-read="${3}ms"
}

# scripted_leg NAME SIZE: faults by sector range and of flushes, from rules: see add_fault. What it
# was asked is in $WORK/NAME.requests. Slow (a shell a request): for small volumes.
scripted_leg() {
  local name=$1
  need_faults
  [ -e "$WORK/$name.img" ] || truncate -s "$2" "$WORK/$name.img"
  : >"$WORK/$name.rules"
  : >"$WORK/$name.requests"
  DISK_IMAGE=$WORK/$name.img DISK_RULES=$WORK/$name.rules DISK_REQUESTS=$WORK/$name.requests \
    serve_leg "$name" sh "$LIB/scripted-disk"
}

# add_fault NAME read|write|flush ERRNO [FIRST_SECTOR SECTORS]; mend NAME forgets them all.
add_fault() { echo "$2 $3 ${4:-0} ${5:-$((1 << 40))}" >>"$WORK/$1.rules"; }
mend() { : >"$WORK/$1.rules"; }

# end_leg_server NAME: the leg vanishes: its nbdkit is killed.
end_leg_server() { kill -KILL "$(cat "$WORK/$1.nbdkit.pid")"; }

# small_space NAME SIZE: an own memory file system at $WORK/NAME, for legs that run out of space.
small_space() {
  need_root
  mkdir "$WORK/$1"
  mount -t tmpfs -o size="$2" tmpfs "$WORK/$1" || skip "cannot mount a tmpfs"
  defer umount -l "$WORK/$1"
}

# healthy_leg NAME SIZE: a leg behind a server that can be made to hang: see hang and unhang.
healthy_leg() {
  need_faults
  [ -e "$WORK/$1.img" ] || truncate -s "$2" "$WORK/$1.img"
  serve_leg "$1" file "$WORK/$1.img"
}

# hang NAME: the leg's server stops in its tracks, and answers nothing until unhang NAME.
hang() {
  local server
  server=$(cat "$WORK/$1.nbdkit.pid")
  defer kill -CONT "$server"
  kill -STOP "$server"
}
unhang() { kill -CONT "$(cat "$WORK/$1.nbdkit.pid")"; }
