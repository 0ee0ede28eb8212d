#!/usr/bin/env bash
# transport: what is promised holds over io_uring too: cases of other areas, run again over it.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio
allow_ring Y

cases=${BASH_SOURCE[0]%/*}/..
for name in slow/other-volume-serves slow/hung-leg-reads slow/hung-leg-writes slow/unmount-while-hung \
  slow/wait-for-legs files/mmap files/xattrs files/namespace data/odd-offsets data/end-of-volume \
  data/truncate-page-cache faults/stale-never-read mount/signals stress/overlapping-writes; do
  mkdir -p "$WORK/$name"
  status=0
  MIRRORFS_TRANSPORT=uring WORK=$WORK/$name bash "$cases/$name.sh" >"$name.out" 2>&1 || status=$?
  case $status in
    0) ;;
    77) echo "$name: $(tail -n 1 "$name.out")" ;;
    *) fail "$name over io_uring: $(cat "$name.out")" ;;
  esac
  grep -q 'transport=uring' "$WORK/$name"/*.log || [ "$status" = 77 ] || fail "$name did not use it"
done
