#!/usr/bin/env bash
# S: every refusal that a config alone can earn: exit 1, file:line:column, what is wrong; `mount`
# refuses likewise, mounts nothing and writes nothing.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M x
first=$LEG
file_leg b 2M x
small=$(printf '%0256d' 0)
before=$(sha256sum -- *.img)

# refused LINE REGEX: the config on standard input is refused at LINE with a message that matches.
refused() {
  local line=$1 pattern=$2
  cat >"$CONFIG"
  assert_fails "$MIRRORFS" check "$CONFIG"
  assert_equal 1 "$STATUS" "exit status of check ($pattern)"
  assert_match "config\.yaml:$line:[1-9][0-9]*: .*($pattern)" "$SAID"
  mkdir -p "$MNT"
  assert_fails "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
  assert_match "config\.yaml:$line:[1-9][0-9]*: .*($pattern)" "$SAID"
  not_mounted "$MNT" || fail "mounted all the same"
  [ ! -e "$STATE_DIRECTORY" ] || fail "a state directory was made"
}
head="version: 1
state_directory: $STATE_DIRECTORY
volumes:"
one="$head
  vol:
    legs: [{path: $first}]"

refused 6 'colour' <<<"$one
colour: blue"
refused 6 'colour' <<<"$one
    colour: blue"
refused 6 'wheels' <<<"$head
  vol:
    legs:
      - {path: $first, wheels: 4}"
refused 6 'on_no_space' <<<"$one
    on_no_space: maybe"
refused 6 'uri' <<<"$head
  vol:
    legs:
      - uri: nbd://localhost/x"
refused 6 'write_quorum' <<<"$one
    write_quorum: many"
refused 6 'write_quorum' <<<"$one
    write_quorum: 2"
refused 6 'read_policy|primary' <<<"$one
    read_policy: sometimes"
refused 6 'size' <<<"$one
    size: 10 bananas"
refused 6 'mode' <<<"$one
    mode: rwxr-x"
refused 6 'truncate|zero' <<<"$one
    truncate: maybe"
refused 6 'read_only' <<<"$one
    read_only: 7"
refused 6 'start' <<<"$head
  vol:
    legs:
      - {path: $first, start: -1}"
refused 6 '[Nn]o such file|missing|not exist|not found' <<<"$head
  vol:
    legs:
      - path: $WORK/absent.img"
refused 6 'past|end|beyond' <<<"$head
  vol:
    legs:
      - {path: $first, start: 2000, count: 49}"
refused 6 'past|end|beyond' <<<"$head
  vol:
    legs:
      - {path: $first, start: 2049}"
refused '[5-7]' 'size' <<<"$head
  vol:
    legs:
      - {path: $first}
      - {path: $LEG}"
refused '[1-9]' 'volumes' <<<"version: 1
state_directory: $STATE_DIRECTORY"
refused 1 'version' <<<"version: 2
state_directory: $STATE_DIRECTORY
volumes: {vol: {legs: [{path: $first}]}}"
refused '[45]' 'legs' <<<"$head
  vol: {size: 1MiB}"
refused '[45]' 'legs|one leg' <<<"$head
  vol:
    legs: []"
refused 4 '/' <<<"$head
  a/b: {legs: [{path: $first}]}"
refused 4 'NUL|null|zero|\\0' <<<"$head
  \"a\\0b\": {legs: [{path: $first}]}"
refused 4 '255' <<<"$head
  n$small: {legs: [{path: $first}]}"
refused 4 '\.' <<<"$head
  \"..\": {legs: [{path: $first}]}"
refused '[67]' 'vol|twice|duplicate' <<<"$one
  vol:
    legs: [{path: $LEG}]"
refused 6 'create|size' <<<"$head
  vol:
    legs:
      - {path: $WORK/new.img, create: true}"
refused '[1-9]' '.' <<<"version: [1"
assert_equal "$before" "$(sha256sum -- *.img)" "the legs"
[ ! -e new.img ] || fail "a leg was made"
