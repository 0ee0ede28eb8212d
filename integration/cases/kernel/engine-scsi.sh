#!/usr/bin/env bash
# E4, E6, E14, E18 on a SCSI disk (scsi_debug): a medium error arrives as ENODATA, a disk that is offline as ENXIO,
# and zeroing, discard, write-through and flush are done by the disk.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml sd_mod scsi_debug:lbpu=1
disk=/dev/sda
wait_until 10 test -b "$disk" || skip "no scsi_debug disk"
tool=${MIRRORFS%/*}/dmio-tool
[ -x "$tool" ] || skip "dmio-tool is not built"
head -c 4096 /dev/urandom >page
head -c 4096 /dev/zero >zeroes
head -c 12288 /dev/zero | tr '\0' x >letters

for engine in threads uring; do
  say() { "$tool" "$1" --engine "$engine" "${@:2}" <page; }
  assert_equal "error_bits=0x0" "$(say write --through "$disk:64+8" /dev/ram0:64+8)"
  assert_equal "error_bits=0x0" "$(say flush "$disk:0+0" /dev/ram0:0+0)"
  say read "$disk:64+8" 2>/dev/null | cmp - page
  for zeroing in "zero" "zero --reserved"; do
    say write "$disk:64+8" >/dev/null
    # shellcheck disable=SC2086 # an operation and its flag
    assert_equal "error_bits=0x0" "$(say $zeroing "$disk:64+8" /dev/ram0:64+8)"
    say read "$disk:64+8" 2>/dev/null | cmp - zeroes
  done
  # A discard: this disk reads as zeroes there afterwards, and a memory disk cannot do it.
  for place in 0 1; do
    "$tool" write --engine "$engine" "$disk:64+24" <letters >/dev/null
    case $place in
      0) assert_fails say discard "$disk:72+8" /dev/ram0:72+8 ;;
      1) assert_fails say discard /dev/ram0:72+8 "$disk:72+8" ;;
    esac
    assert_equal "error_bits=0x$((2 - place)) $((1 - place))=EOPNOTSUPP" "$SAID"
    say read "$disk:72+8" 2>/dev/null | cmp - zeroes
    assert_equal xxxx "$(say read "$disk:80+8" 2>/dev/null | tail -c 4)"
  done
  assert_equal "error_bits=0x0" "$(say discard "$disk:64+24")"
  # Sectors 4660 to 4669 cannot be read from here on.
  echo 2 >/sys/bus/pseudo/drivers/scsi_debug/opts
  STATUS=0
  say read "$disk:4656+16" >got 2>said || STATUS=$?
  assert_equal 1 "$STATUS"
  assert_equal "error_bits=0x1 0=ENODATA" "$(cat said)"
  cmp -n 4096 got zeroes
  say read "$disk:64+8" 2>/dev/null | cmp - zeroes
  assert_fails say copy "$disk:4656+16" /dev/ram0:0+16
  assert_equal "copied=0 error_bits=0x0 read=ENODATA" "$SAID"
  echo 0 >/sys/bus/pseudo/drivers/scsi_debug/opts
  # Gone while it is open is another matter than gone before.
  echo offline >/sys/block/sda/device/state
  assert_fails_with ENXIO say read "$disk:64+8"
  echo running >/sys/block/sda/device/state
done
