#!/usr/bin/env bash
# The systemd unit is one that systemd understands, and gives up what it can.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need systemd-analyze
# The program and its manual are not where a package puts them.
sed -e "s|/usr/bin/mirrorfs |$MIRRORFS |" -e '/^Documentation=/d' "$LIB/../debian/mirrorfs@.service" >mirrorfs@x.service
assert_equal "" "$(systemd-analyze verify "$WORK/mirrorfs@x.service" 2>&1 | grep -F mirrorfs@ || true)"
assert_match 'exposure level for mirrorfs@x.service: 4' \
  "$(systemd-analyze security --offline=true "$WORK/mirrorfs@x.service" 2>&1)"
