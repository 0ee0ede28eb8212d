#!/usr/bin/env bash
# Commands that documents show as plain `sh` blocks are ones that integration/test runs, word by
# word, or scripts of ours: everything else belongs into `console` blocks, which run here.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

root=$(realpath "$LIB/../..")
count=0
while IFS=: read -r document command; do
  count=$((count + 1))
  command=${command%%  *} # a remark may follow
  script=${command%% *}
  if [[ $script == ./* ]]; then
    [ -x "$root/$script" ] || fail "$document: no script $script"
  else
    grep -qF -- "$command" "$root/integration/test" || fail "$document: nobody runs: $command"
  fi
done < <(
  # shellcheck disable=SC2016 # backquotes of the documents
  for document in "$root"/*.md "$root"/docs/*.md; do
    sed -n '/^```sh$/,/^```$/{/^```/d;/^#/d;/^$/d;p}' "$document" | sed "s|^|${document##*/}:|"
  done
)
assert_at_least 2 "$count" "commands in documents"
