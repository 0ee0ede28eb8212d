#!/usr/bin/env bash
# integration/demo: shows what it promises, and leaves nothing behind.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_faults
need getfattr
mkdir tmp
TMPDIR=$WORK/tmp "$LIB/../demo" --mirrorfs "$MIRRORFS" >said 2>&1 || fail "demo: $(cat said)"
for words in 'error_bits="0x2"' 'legs="AD"' 'state="degraded"' 'legs="AA"' '^equal$' \
  'state=write-failed error_bits=0x2' 'next  *mend ' 'leg 1  *|ssss' 'every sector compared: equal' \
  'data.img: in-sync'; do
  grep -q -- "$words" said || fail "the demo does not show $words: $(cat said)"
done
assert_equal "" "$(ls -A tmp)" "left in the temporary folder"
assert_equal "" "$(mounts_below "$WORK")" "left mounted"
