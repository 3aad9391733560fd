# make watch: the look of make check for the crontab. What it finds is tried in tests/integration.

setup() {
  load helper
  keep_registry
  setting "GIT_REMOTE="
}

teardown() {
  rm -f "$FAR_SITES/far/img/wiki_up/shell.php"
  put_back_registry
}

@test "watch is silent when all is well, writes nothing at the site, and ends with 10 when it finds something" {
  trim check INSTANCE=far ACCEPT=all
  assert_success
  echo x >"$FAR_SITES/far/img/wiki_up/shell.php"
  trim watch INSTANCE=far UNATTENDED=1
  assert_failure 10
  assert_output_contains "far: 1 finding (1 upload), as upload: img/wiki_up/shell.php" "make check INSTANCE=far"
  rm "$FAR_SITES/far/img/wiki_up/shell.php"
  find "$FAR_SITES/far" -printf '%y %m %u %p %s %T@\n' | sort >"$BATS_TEST_TMPDIR/before"
  trim watch INSTANCE=far UNATTENDED=1
  assert_success
  assert_silent
  find "$FAR_SITES/far" -printf '%y %m %u %p %s %T@\n' | sort | diff "$BATS_TEST_TMPDIR/before" - || fail "it wrote there"
}

@test "watch does not take what check takes" {
  trim watch INSTANCE=far ACCEPT=all
  assert_one_line "ACCEPT= is not a variable of make watch"
}
