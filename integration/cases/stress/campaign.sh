#!/usr/bin/env bash
# F1 to F6, M1 to M8: the models for ten minutes each with new seeds.
# time-limit: 3600
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_long
for _ in {1..50}; do
  for name in model model-with-faults; do
    directory=$(mktemp -d "$WORK/campaign.XXXXXX")
    chmod 0711 "$directory"
    WORK=$directory SECONDS_EACH=12 bash "${BASH_SOURCE[0]%/*}/$name.sh"
    rm -rf "$directory"
  done
done
