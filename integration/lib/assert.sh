# shellcheck shell=bash
# Assertions. Each says what it expected, what it found, and where, and ends the case.

fail() {
  local frame=0
  while [[ ${BASH_SOURCE[frame + 1]:-} == */lib/* ]]; do frame=$((frame + 1)); done
  echo "FAIL ${BASH_SOURCE[frame + 1]##*/cases/}:${BASH_LINENO[frame]}: $*" >&2
  exit 1
}

# assert_equal EXPECTED FOUND [WHAT]
assert_equal() { [ "$1" = "$2" ] || fail "${3:-values differ}: expected '$1', found '$2'"; }

# assert_match REGEX TEXT [WHAT]
assert_match() { [[ $2 =~ $1 ]] || fail "${3:-no match}: expected /$1/ in '$2'"; }

# assert_at_least MINIMUM FOUND [WHAT]
assert_at_least() { [ "$2" -ge "$1" ] || fail "${3:-too small}: expected at least $1, found $2"; }

# assert_fails COMMAND...: it must fail; what it said is in $SAID, its status in $STATUS.
assert_fails() {
  STATUS=0
  SAID=$("$@" 2>&1) || STATUS=$?
  [ "$STATUS" -ne 0 ] || fail "should have failed: $* (said: $SAID)"
}

# assert_fails_with REGEX COMMAND...: as above, and what it said matches.
assert_fails_with() {
  local pattern=$1
  shift
  assert_fails "$@"
  assert_match "$pattern" "$SAID" "$*"
}

# assert_same FILE FILE [BYTES [SKIP_FIRST [SKIP_SECOND]]]: the bytes are equal.
assert_same() {
  local limit=()
  [ -z "${3:-}" ] || limit=(-n "$3")
  cmp "${limit[@]}" -i "${4:-0}:${5:-0}" -- "$1" "$2" >&2 || fail "$1 and $2 differ"
}

# assert_legs_equal FILE LEG[,start=SECTOR][,...]...: each leg holds the file's bytes at its start.
assert_legs_equal() {
  local file=$1 leg start bytes
  shift
  bytes=$(stat -c %s -- "$file")
  for leg in "$@"; do
    start=0
    [[ $leg =~ ,start=([0-9]+) ]] && start=${BASH_REMATCH[1]}
    assert_same "$file" "${leg%%,*}" "$bytes" 0 $((start * 512))
  done
}

# assert_zeroes FILE FIRST_BYTE BYTES
assert_zeroes() { assert_same "$1" /dev/zero "$3" "$2" 0; }

# assert_one_log_line WORD...: exactly one line of the log holds all the words.
assert_one_log_line() {
  local count
  count=$(log_lines "$@")
  [ "$count" -eq 1 ] || fail "expected one log line with '$*', found $count: $(cat "$LOG")"
}
