# make cron-remove: takes a line of ours away.

setup() {
  load helper
  mkdir "$BATS_TEST_TMPDIR/bin"
  cat >"$BATS_TEST_TMPDIR/bin/crontab" <<SHIM
#!/bin/sh
case \$1 in -l) cat "$BATS_TEST_TMPDIR/crontab" ;; -) cat >"$BATS_TEST_TMPDIR/crontab" ;; *) exit 2 ;; esac
SHIM
  chmod +x "$BATS_TEST_TMPDIR/bin/crontab"
  PATH="$BATS_TEST_TMPDIR/bin:$PATH"
  printf '%s\n' "0 1 * * *  true " "30 2 * * * make -sC $TRIM_TOP backup INSTANCE=all UNATTENDED=1 CRON=night" \
    "# the end" >"$BATS_TEST_TMPDIR/crontab"
}

@test "cron-remove takes one line away and leaves the others byte for byte" {
  trim cron-remove ID=night DRY=1
  assert_success
  assert_output_contains "night: would be removed: 30 2 "
  grep -q CRON=night "$BATS_TEST_TMPDIR/crontab"
  trim cron-remove ID=night
  assert_success
  assert_output_contains "night: removed: 30 2 "
  printf '%s\n' "0 1 * * *  true " "# the end" | cmp - "$BATS_TEST_TMPDIR/crontab"
}

@test "cron-remove says which lines there are" {
  trim cron-remove ID=nigth
  assert_failure 2
  assert_one_line "ID=nigth: no line or timer of this toolkit bears it (did you mean night?)"
  trim cron-remove
  assert_one_line "ID= is missing: which line? Known: night"
}
