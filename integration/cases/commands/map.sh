#!/usr/bin/env bash
# Interface: `map` draws what each leg missed, read errors and the intent map, as text, SVG and JSON.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_faults
m=$MIRRORFS
scripted_leg a 4M
first=$LEG
leg_with_errors b 4M
mount_volume chunk=64KiB "$first" "$LEG"
# row LABEL: the cells of a row, of 64 KiB each.
row() { "$m" map "$VOL" --width 64 | sed -n "s/^  $1 *|\(.*\)|\$/\1/p"; }
clean=$(printf '.%.0s' {1..64})
assert_equal "$clean" "$(row 'leg 1')" "a leg in sync"
assert_equal "$clean" "$(row intent)" "nothing was written"

fail_writes b
# Sectors 1280 to 1408 are the cell 10, and the last sector is in cell 63.
write_sectors "$VOL" 1280 128 x
write_sectors "$VOL" 8191 1 x
assert_equal "$clean" "$(row 'leg 0')" "the leg that took it"
assert_equal "${clean:0:10}s${clean:0:52}s" "$(row 'leg 1')" "what leg 1 missed"
assert_match '^\.{10}\*' "$(row intent)" "chunks being written"
said=$("$m" map "$VOL" --width 64)
assert_match "s stale" "$said" "the legend"
assert_match "a cell is 64.0 KiB" "$said"
if [[ $said == *$'\e'* ]]; then fail "colours without a terminal"; fi

# A cell of a narrower map shows the worst of those it stands for.
assert_equal "..s.............s" "$("$m" map "$VOL" --width 17 | sed -n 's/^  leg 1 *|\(.*\)|$/\1/p')"

"$m" map "$VOL" --svg picture.svg >/dev/null
python3 - <<'PYTHON'
import xml.etree.ElementTree as tree
root = tree.parse("picture.svg").getroot()
space = "{http://www.w3.org/2000/svg}"
red = [r for r in root.iter(space + "rect") if r.get("fill") == "#d7301f" and r.get("height") == "36"]
assert len(red) == 2, [r.attrib for r in red]
# 1024 units are 4 MiB: cell 10 of 64 begins at 160.
assert (red[0].get("x"), red[0].get("width")) == ("260", "16"), red[0].attrib
texts = [t.text for t in root.iter(space + "text")]
assert "leg 1" in texts and "stale" in texts, texts
PYTHON
"$m" map "$VOL" --json >map.json
python3 - <<'PYTHON'
import json
document = json.load(open("map.json"))
assert document["version"] == 1 and document["byte_count"] == 4 << 20, document
cell = document["cell_sectors"]
legs = document["legs"]
assert len(legs) == 2 and len(legs[0]) <= 512 and set(legs[0]) == {"."}, legs
stale = {place * cell for place, letter in enumerate(legs[1]) if letter == "s"}
assert min(stale) == 1280 and max(stale) == 8192 - cell and len(stale) == 128 // cell + 1, stale
PYTHON
assert_fails_with "name another file" "$m" map "$VOL" --svg "$WORK/nowhere/x.svg"
assert_fails "$m" map "$VOL" --width 4
assert_equal 64 "$STATUS"

mend_writes b
"$m" resync "$VOL" --wait
assert_equal "$clean" "$(row 'leg 1')" "after the resync"
add_fault a read EIO 2560 8
add_fault a write EIO 2560 8
dd if="$VOL" of=/dev/null bs=4096 skip=320 count=1 iflag=direct status=none
assert_match '^\.{20}[rs]\.' "$(row 'leg 0')" "a read error that cannot be mended"
"$m" pause "$VOL"
"$m" scrub "$VOL"
assert_match "scrub +\^" "$("$m" map "$VOL")" "where a scrub is"
