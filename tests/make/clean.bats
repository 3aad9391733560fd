# make clean: old logs, leftovers, caches; never archives or what is known of sites.

setup() {
  load helper
  keep_registry
  old=$TRIM_TOP/var/logs/2020-01-01_00-00-00_backup_1.log
  scratch=$TRIM_TOP/var/work/scratch-blog.999999999
  copy=$TRIM_TOP/var/work/far
  echo old >"$old"
  touch -d 2020-01-01 "$old"
  mkdir -p "$scratch" "$copy" "$copy.clone"
  echo left >"$scratch/file"
  remember
  find "$TRIM_TOP/var/logs" -name '*_backup_*' ! -path "$old" | sort >"$BATS_TEST_TMPDIR/logs"
}

teardown() {
  rm -rf "$old" "$scratch" "$copy" "$copy.clone" "$TRIM_TOP/var/outbox"
  put_back_registry
}

# What must stay, whatever is cleaned.
assert_all_else_is_there() {
  assert_nothing_changed
  find "$TRIM_TOP/var/logs" -name '*_backup_*' ! -path "$old" | sort | diff "$BATS_TEST_TMPDIR/logs" - >&2 || fail "a log went"
}

@test "clean shows in a dry run what it would remove, and removes nothing" {
  trim clean DRY=1
  assert_success
  assert_output_contains "$old" "$scratch" "$copy" "would be freed"
  [ -e "$old" ] && [ -e "$scratch/file" ] && [ -d "$copy" ] || fail "something went"
}

@test "clean removes old logs and leftovers, and nothing else" {
  trim clean
  assert_success
  assert_output_contains "freed"
  [ ! -e "$old" ] && [ ! -e "$scratch" ] || fail "rubbish stayed"
  [ ! -e "$copy" ] || fail "the work copy of an older version stayed"
  [ -d "$copy.clone" ] || fail "the copy of a clone went"
  assert_all_else_is_there
  trim clean JSON=1
  assert_json "found == []"
}

@test "clean removes caches and copies of clones on request, which the next run makes again" {
  trim clean WHAT=all
  assert_success
  [ ! -e "$copy.clone" ] || fail "the copy of a clone stayed"
  assert_all_else_is_there
  trim backup INSTANCE=far
  assert_success
}

@test "clean drops unsent messages only when they are named" {
  mkdir -m 700 -p "$TRIM_TOP/var/outbox"
  cat >"$TRIM_TOP/var/outbox/1.json" <<EOF
{"subject": "TRIM x: backup blog: busy", "body": "", "mail": "", "to": ["ann@example.org"], "channels": ["mail"],
 "since": 1, "tried": $(date +%s), "why": ""}
EOF
  trim clean WHAT=all
  [ -e "$TRIM_TOP/var/outbox/1.json" ] || fail "a message was lost"
  trim clean WHAT=outbox
  assert_success
  assert_output_contains "never sent: TRIM x: backup blog: busy"
  [ ! -e "$TRIM_TOP/var/outbox/1.json" ] || fail "it stayed"
}

@test "clean says what it can clean" {
  trim clean WHAT=caches
  assert_failure 2
  assert_one_line "WHAT=caches: expected logs, leftovers, cache, work, outbox, all (did you mean cache?)"
}
