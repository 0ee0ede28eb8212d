#!/usr/bin/env bash
# Interface: user.mirrorfs.status is JSON with version 1, of a healthy and of a degraded volume, and
# says the same as the other attributes.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg 'a"quote' 1M
first=$LEG
leg_with_errors b 1M
write_config <<CONFIG
volumes:
  vol:
    initial_sync: assume-in-sync
    legs:
      - path: '$first'
      - path: $LEG
CONFIG
mount_config
check_status() {
  xattr "$VOL" status >status.json
  python3 - "$(letters)" "$(state)" <<'PYTHON'
import json, sys
text = open("status.json").read()
status = json.loads(text)
assert status["version"] == 1, status
assert f'"{sys.argv[1]}"' in text and f'"{sys.argv[2]}"' in text, (sys.argv, text)
assert 'a"quote' in json.dumps(status, ensure_ascii=False).replace('\\"', '"'), text
PYTHON
}
check_status
fail_writes b
write_sectors "$VOL" 8 8 x
check_status
assert_match 'write-failed' "$(cat status.json)"
