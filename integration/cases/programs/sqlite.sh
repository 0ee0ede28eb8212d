#!/usr/bin/env bash
# Acceptance: SQLite with mmap and WAL on a file system in a volume, a leg failing meanwhile:
# integrity_check ok, before and after a new mount.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_loop
need mkfs.ext4 sqlite3
file_leg a 64M
first=$LEG
leg_with_errors b 64M
mount_volume "$first" "$LEG"
mkfs.ext4 -q -F "$VOL"
mkdir fs
defer umount "$WORK/fs"
mount -o loop "$VOL" fs
run_sql() { sqlite3 -batch -bail -cmd 'PRAGMA mmap_size=33554432;' fs/base.db "$1" | tail -n 1; }
assert_equal wal "$(run_sql 'PRAGMA journal_mode=WAL;')"
run_sql "CREATE TABLE t(id INTEGER PRIMARY KEY, word TEXT, number INTEGER); CREATE INDEX i ON t(word);"
fill="WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n<20000) INSERT INTO t(word, number) SELECT hex(randomblob(40)), n FROM c;"
run_sql "$fill"
fail_writes b
run_sql "$fill"
run_sql "UPDATE t SET word = upper(word) WHERE id % 3 = 0; PRAGMA wal_checkpoint(TRUNCATE);"
assert_equal 40000 "$(run_sql 'SELECT count(*) FROM t;')"
assert_equal ok "$(run_sql 'PRAGMA integrity_check;')"
umount fs
assert_equal degraded "$(state)"
mend_writes b
mount -o loop "$VOL" fs
assert_equal ok "$(run_sql 'PRAGMA integrity_check;')"
assert_equal 40000 "$(run_sql 'SELECT count(*) FROM t;')"
umount fs
