#!/usr/bin/env bash
# F1 to F7 hold in every mode of the cache: the cases on data, files, programs and poll once more with
# cache: writeback and with cache: none.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

cases=("$LIB"/../cases/{data,files}/*.sh "$LIB"/../cases/programs/{ext4,sqlite}.sh "$LIB"/../cases/hidden/poll.sh)
[ -z "${INTEGRATION_LONG:-}" ] || cases+=("$LIB"/../cases/{programs,stress}/*.sh)
for case in "${cases[@]}"; do
  for mode in writeback none; do
    # Has its own in this area: the error comes later.
    [[ $mode == none || $case != */end-of-volume.sh ]] || continue
    status=0
    MIRRORFS_CACHE=$mode WORK='' bash "$case" >inner.log 2>&1 || status=$?
    [ "$status" = 0 ] || [ "$status" = 77 ] || fail "${case##*cases/} with cache: $mode, status $status"
  done
done
