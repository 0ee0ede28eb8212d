#!/usr/bin/env bash
# E4, E6, E14, E18 on real devices: whichever region of a request lies on a disk that fails (dm-error, dm-dust,
# dm-flakey), its bit is set and no other, and the others are done; every operation, on both backends.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml dm-bufio dm-dust dm-flakey
tool=${MIRRORFS%/*}/dmio-tool
[ -x "$tool" ] || skip "dmio-tool is not built"
head -c 4096 /dev/urandom >page
head -c 4096 /dev/zero >zeroes

# request ENGINE OPERATION [FLAG...]: with regions $first, $second, $third.
request() { "$tool" "$2" --engine "$1" "${@:3}" "$first" "$second" "$third" <page; }

# sweep NAME ERRNO OPERATION...: the disk's region is first, second and third in turn, the others lie on "${healthy[@]}".
healthy=(/dev/ram5 /dev/ram6 /dev/ram7)
sweep() {
  local name=$1 errno=$2 engine operation place good
  for engine in threads uring; do
    for operation in "${@:3}"; do
      for place in 0 1 2; do
        first=${healthy[0]}:8+8 second=${healthy[1]}:16+8 third=${healthy[2]}:24+8
        case $place in 0) first=$name:32+8 ;; 1) second=$name:32+8 ;; 2) third=$name:32+8 ;; esac
        # shellcheck disable=SC2086 # an operation and its flag
        assert_fails request "$engine" $operation
        printf -v good 'error_bits=0x%x %d=%s' $((1 << place)) "$place" "$errno"
        assert_equal "$good" "$SAID" "$engine, $operation, region $place on $name"
      done
    done
  done
}

dm bad "0 65536 error"
sweep /dev/mapper/bad EIO write "write --through" zero "zero --reserved"
cmp -n 4096 -i 12288:0 /dev/ram7 zeroes

dm flaky "0 65536 flakey /dev/ram1 0 0 60 1 error_writes"
sweep /dev/mapper/flaky EIO write "write --through"
cmp -n 4096 -i 12288:0 /dev/ram7 page

# A bad sector: its read fails there alone, and leaves zeroes; then it is written, and well again.
dm dusty "0 65536 dust /dev/ram2 0 512"
"$tool" write /dev/mapper/dusty:0+8 /dev/mapper/dusty:8+8 <page >/dev/null
dmsetup message dusty 0 addbadblock 10
dmsetup message dusty 0 enable
for engine in threads uring; do
  "$tool" read --engine "$engine" /dev/mapper/dusty:0+8 2>/dev/null | cmp - page
  STATUS=0
  "$tool" read --engine "$engine" /dev/mapper/dusty:8+8 >got 2>said || STATUS=$?
  assert_equal 1 "$STATUS"
  assert_equal "error_bits=0x1 0=EIO" "$(cat said)"
  cmp got zeroes
  # A copy goes on behind it, and does not write what it could not read.
  "$tool" write /dev/ram3:0+8 <page >/dev/null
  assert_fails "$tool" copy --engine "$engine" --ignore-errors /dev/mapper/dusty:8+4096 \
    /dev/ram3:0+4096 /dev/mapper/flaky:0+4096
  assert_match "^copied=0 error_bits=0x2 read=EIO 1=EIO" "$SAID"
  cmp -n 4096 /dev/ram3 page
done
"$tool" write /dev/mapper/dusty:8+8 <page >/dev/null
"$tool" read /dev/mapper/dusty:8+8 2>/dev/null | cmp - page

# Loop devices can flush and discard, and so can a disk on one of them, but for its errors. (Without a cache below
# it, as with the disks above, no flush gets as far as the disk.)
for name in a b c d; do
  truncate -s 1M "$name"
  losetup --find --show "$name" >"$name.loop"
  defer losetup -d "$(cat "$name.loop")"
done
dm frail "0 2048 flakey $(cat d.loop) 0 0 60 1 error_writes"
defer dmsetup remove frail
healthy=("$(cat a.loop)" "$(cat b.loop)" "$(cat c.loop)")
"$tool" write "${healthy[2]}:24+8" <page >/dev/null
sweep /dev/mapper/frail EIO flush discard
cmp -n 4096 -i 12288:0 c zeroes
sweep /dev/mapper/frail EIO write "write --through" zero "zero --reserved"
cmp -n 4096 -i 12288:0 c zeroes

# E18: one disk among three that cannot discard.
for engine in threads uring; do
  first=$(cat a.loop):0+8 second=/dev/ram4:0+8 third=$(cat b.loop):8+8
  request "$engine" write >/dev/null
  assert_fails request "$engine" discard
  assert_equal "error_bits=0x2 1=EOPNOTSUPP" "$SAID"
  cmp -n 4096 a zeroes
  cmp -n 4096 -i 4096:0 b zeroes
  cmp -n 4096 /dev/ram4 page
done
