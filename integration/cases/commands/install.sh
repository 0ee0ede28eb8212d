#!/usr/bin/env bash
# Interface: integration/install puts program, manual and completions in place, and takes them away.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need python3
install=$LIB/../install
assert_fails "$install" --prefix
assert_fails_with "absolute" "$install" --prefix here
assert_equal 64 "$STATUS" "a relative prefix"
"$install" --mirrorfs "$MIRRORFS" --destdir "$WORK/root" --prefix /usr >/dev/null
cd root/usr
assert_equal "$("$MIRRORFS" --version)" "$(bin/mirrorfs --version)"
for command in '' $("$MIRRORFS" --help | sed -n '/^SUBCOMMANDS:/,$s/^  \([a-z-]\{1,22\}\) .*/\1/p'); do
  page=share/man/man1/mirrorfs${command:+-$command}.1
  [ -s "$page" ] || fail "no manual page $page"
  # An example, as in every --help.
  grep -q '^mirrorfs ' "$page" || fail "no example in $page"
  if command -v groff >/dev/null; then
    assert_equal "" "$(groff -man -ww -z "$page" 2>&1)" "groff on $page"
  fi
done
# The config's page has every key that the program knows, and no other.
page=share/man/man5/mirrorfs-config.5
printf 'version: 1\nkey: 1\nvolumes: {v: {key: 1, legs: [{key: 1}]}}\n' >"$WORK/keys.yaml"
assert_fails "$MIRRORFS" check "$WORK/keys.yaml"
known=$(sed -n 's/.*; the keys of [a-z ]* are //p' <<<"$SAID" | tr -d ',' | tr ' ' '\n' | sort -u)
shown=$(sed -n '/^\.SH KEYS/,/^\.SH RULES/s/^ *\(\\- \)\?\([a-z_]*\):.*/\2/p' "$page" | sort -u)
assert_at_least 30 "$(wc -l <<<"$known")" "keys"
assert_equal "$known" "$shown" "keys of $page"
if command -v man >/dev/null; then
  assert_equal "" "$(MANROFFSEQ='' MANWIDTH=200 man --warnings -E UTF-8 -l "$page" 2>&1 >"$WORK/rendered")" "man on $page"
  assert_match "initial_sync: verify  *# verify . first-leg" "$(cat "$WORK/rendered")"
fi
# Bash completes commands and options.
completed() {
  # shellcheck disable=SC2016 # for the other shell
  PATH=$PWD/bin:$PATH bash -c '
    source share/bash-completion/completions/mirrorfs
    words=$(complete -p mirrorfs)
    [[ $words =~ -F\ ([^ ]+) ]]
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
    "${BASH_REMATCH[1]}" mirrorfs "${*: -1}" "${*: -2:1}"
    echo "${COMPREPLY[@]}"' bash "$@"
}
assert_equal scrub "$(completed mirrorfs scr)"
assert_equal --svg "$(completed mirrorfs map --s)"
assert_match "scrub" "$(cat share/bash-completion/completions/mirrorfs)"
assert_match "^#compdef mirrorfs" "$(cat share/zsh/site-functions/_mirrorfs)"
assert_match "mirrorfs" "$(cat share/fish/vendor_completions.d/mirrorfs.fish)"
"$MIRRORFS" check share/doc/mirrorfs/mount-config/two-files.yaml >/dev/null 2>&1 || [ $? -eq 1 ]
cd "$WORK"
"$install" --destdir "$WORK/root" --prefix /usr --remove
assert_equal "" "$(find root -type f)" "left behind"
