# make cron: a verb runs by itself. The real crontab program is used in tests/integration/test_cron.py.

setup() {
  load helper
  # A crontab of our own: the account's one is nobody's to touch.
  mkdir "$BATS_TEST_TMPDIR/bin"
  cat >"$BATS_TEST_TMPDIR/bin/crontab" <<SHIM
#!/bin/sh
case \$1 in -l) cat "$BATS_TEST_TMPDIR/crontab" ;; -) cat >"$BATS_TEST_TMPDIR/crontab" ;; *) exit 2 ;; esac
SHIM
  chmod +x "$BATS_TEST_TMPDIR/bin/crontab"
  PATH="$BATS_TEST_TMPDIR/bin:$PATH"
  echo "0 1 * * * true" >"$BATS_TEST_TMPDIR/crontab"
}

teardown() {
  rm -rf "$TRIM_TOP/var/crons"
}

@test "cron writes one line, replaces it, and leaves the others" {
  trim cron VERB=backup INSTANCE=all AT="30 2 * * *" ARGS="KEEP=7 COMPRESS=zst"
  assert_success
  assert_output_contains "backup-all: next at "
  trim cron VERB=backup INSTANCE=all AT="30 3 * * *"
  assert_success
  assert_output_contains "backup-all: in place of the one before, next at "
  printf '%s\n' "0 1 * * * true" "30 3 * * * make -sC $TRIM_TOP backup INSTANCE=all UNATTENDED=1 CRON=backup-all >> \
$TRIM_TOP/var/logs/cron.log 2>&1" | diff - "$BATS_TEST_TMPDIR/crontab"
}

@test "cron says what is wrong with its words, and writes nothing" {
  trim cron VERB=upgrade INSTANCE=blog AT=@daily
  assert_failure 9
  assert_one_line "every later run would fail" "make cron VERB=cloneandupgrade AT=@daily"
  trim cron VERB=backup INSTANCE=blog AT="30 25 * * *"
  assert_failure 2
  assert_one_line "AT=30 25 * * *: hour: expected"
  trim cron VERB=backup INSTANCE=blog AT=@daily ARGS="KEPP=3"
  assert_one_line "KEPP= is not a variable of make backup (did you mean KEEP?)"
  trim cron VERB=backup INSTANCE=blog
  assert_one_line "AT= is missing"
  [ "$(cat "$BATS_TEST_TMPDIR/crontab")" = "0 1 * * * true" ]
}

@test "cron asks at a terminal" {
  run at_terminal 'AT .*: $' $'@weekly\n' cron VERB=backup INSTANCE=blog
  [ "$status" -eq 0 ]
  grep -q '^@weekly make -sC .* backup INSTANCE=blog UNATTENDED=1 CRON=backup-blog' "$BATS_TEST_TMPDIR/crontab"
}

@test "cron speaks JSON, and changes nothing in a dry run" {
  trim cron VERB=backup INSTANCE=blog AT=@daily DRY=1 JSON=1
  assert_success
  assert_json "found[0]['id'] == 'backup-blog' and found[0]['line'].startswith('@daily make -sC ')"
  [ "$(cat "$BATS_TEST_TMPDIR/crontab")" = "0 1 * * * true" ]
}
