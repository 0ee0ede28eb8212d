#!/usr/bin/env bash
# docs/KERNEL.md: its terminal transcripts run as they are printed there, with the kernel's mirror.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
# shellcheck source=transcript.bash
source "${BASH_SOURCE[0]%/*}/transcript.bash"

in_uml dm-mirror
# Not below a folder that the document names.
WORK=/run/work
mkdir "$WORK"
cd "$WORK"
MNT=$WORK/mnt/volumes
mkdir -p srv mnt var/log usr/local/bin
ln -s "$MIRRORFS" usr/local/bin/mirrorfs
PATH=$WORK/usr/local/bin:$PATH
defer unmount_at_end "$MNT"
run_document "$LIB/../../docs/KERNEL.md"
