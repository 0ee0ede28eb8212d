#!/usr/bin/env bash
# The program in DMIO's tutorial page, taken out of the page, compiles against this build and does what the page
# says; and docc takes the whole catalogue without a warning.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need swiftc
build=${MIRRORFS%/*}
[ -d "$build/Modules/DMIO.swiftmodule" ] || [ -e "$build/Modules/DMIO.swiftmodule" ] ||
  skip "the program was not built here"
sources=$(realpath "${BASH_SOURCE[0]%/*}/../../../Sources")
catalogue=$sources/DMIO/DMIO.docc
modules=(-I "$build/Modules" -I "$sources/CURing"
  -Xcc -fmodule-map-file="$build/CLinux.build/module.modulemap")

# shellcheck disable=SC2016 # the backticks are the page's
sed -n '/^```swift$/,/^```$/{/^```/d;p}' "$catalogue/MirrorABuffer.md" >main.swift
count=$(grep -c . main.swift)
[ "$count" -gt 5 ] || fail "no program in the page"
swiftc -swift-version 6 -module-name tutorial -module-cache-path cache "${modules[@]}" main.swift -o tutorial \
  "$build"/{DMIO,BlockIO,BlockIOUring,CLinux}.build/*.o -luring

truncate -s 1M first second
assert_equal "error bits 0x0" "$(./tutorial first second)"
head -c 4096 /dev/zero | tr '\0' m >expected
cmp -n 4096 first expected
cmp -n 4096 second expected
truncate -s 0 first
truncate -s 1k second
assert_equal "error bits 0x2
second ENOSPC" "$(truncate -s 1M first && ./tutorial first second)"
cmp -n 4096 first expected

command -v docc >/dev/null || skip "no docc here; the program of the page works"
mkdir symbols
swift symbolgraph-extract -module-name DMIO -target "$(uname -m)-unknown-linux-gnu" "${modules[@]}" -module-cache-path cache \
  -minimum-access-level public -output-dir symbols >/dev/null
docc convert "$catalogue" --additional-symbol-graph-dir symbols --output-path page \
  --fallback-display-name DMIO --fallback-bundle-identifier mirrorfs.DMIO --warnings-as-errors
