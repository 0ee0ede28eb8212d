# shellcheck shell=bash
# Sourced first by every case: strict mode, the case's own directory $WORK, clean-up, the helpers.
# A case also runs by itself (`bash cases/data/cp.sh`): it then makes its own $WORK.
set -Eeuo pipefail
export LC_ALL=C
LIB=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source=binary.sh
source "$LIB/binary.sh"
# shellcheck source=leftovers.sh
source "$LIB/leftovers.sh"
# shellcheck source=assert.sh
source "$LIB/assert.sh"

deferred=()

# defer COMMAND...: runs it when the case ends, the last one first, whatever happened.
defer() {
  local quoted
  printf -v quoted '%q ' "$@"
  deferred+=("$quoted")
}

finish() {
  local status=$? index file
  trap - EXIT ERR
  trap '' TERM INT
  set +e
  case $status in
    0 | 77) ;;
    *)
      for file in "$WORK"/*.log; do
        [ -s "$file" ] && { echo "--- ${file##*/}"; tail -n 40 "$file"; }
      done
      ;;
  esac
  for ((index = ${#deferred[@]} - 1; index >= 0; index--)); do
    eval "${deferred[index]}" </dev/null >>"$WORK/clean-up.out" 2>&1
  done
  exit "$status"
}

# skip REASON...: ends the case as skipped.
skip() { echo "$*" >&2; exit 77; }

# need TOOL...: skips the case where a tool is missing.
need() {
  local tool
  for tool in "$@"; do command -v "$tool" >/dev/null || skip "needs $tool"; done
}
need_root() { [ "$(id -u)" -eq 0 ] || skip "needs root"; }
need_loop() {
  need_root
  need losetup
  losetup -f >/dev/null 2>&1 || skip "needs loop devices"
}
need_faults() { need nbdkit nbdfuse fusermount3; }
need_long() { [ -n "${INTEGRATION_LONG:-}" ] || skip "slow campaign: set INTEGRATION_LONG=1"; }

# wait_until SECONDS COMMAND...: tries until it succeeds; fails when the time is over.
wait_until() {
  local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
    sleep 0.05
  done
}
gone() { ! kill -0 "$1" 2>/dev/null; }

# end_process PID: asks, then forces, and waits.
end_process() {
  kill -TERM "$1" 2>/dev/null || return 0
  kill -CONT "$1" 2>/dev/null || true
  wait_until 3 gone "$1" || kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

if [ -z "${WORK:-}" ]; then
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/mirrorfs-case.XXXXXX")
  chmod 0711 "$WORK"
  export MIRRORFS_CASE_ID=$$.alone
  deferred=("rm -rf --one-file-system $WORK")
fi
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'echo "failed at ${BASH_SOURCE[0]##*/cases/}:$LINENO: $BASH_COMMAND" >&2' ERR
MIRRORFS=$(find_mirrorfs "$LIB/../..")
export MIRRORFS
[ -c /dev/fuse ] || skip "needs /dev/fuse"
cd "$WORK"
# shellcheck source=legs.sh
source "$LIB/legs.sh"
# shellcheck source=mount.sh
source "$LIB/mount.sh"
# shellcheck source=uml.sh
source "$LIB/uml.sh"
