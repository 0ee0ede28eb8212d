#!/usr/bin/env bash
# docs/OPERATING.md: its terminal transcripts run as they are printed there.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
# shellcheck source=transcript.bash
source "${BASH_SOURCE[0]%/*}/transcript.bash"

need_faults
need getfattr python3
MNT=$WORK/mnt/volumes
mkdir -p srv/disk1 srv/disk2 mnt/volumes var/log usr/local/bin
ln -s "$MIRRORFS" usr/local/bin/mirrorfs
PATH=$WORK/usr/local/bin:$PATH
defer unmount_at_end "$MNT"
run_document "$LIB/../../docs/OPERATING.md"
