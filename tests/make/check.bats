# make check, also called verify: what it finds, shows and accepts. Every kind of change is tried in tests/integration.

setup() {
  load helper
  keep_registry
  setting "GIT_REMOTE="
}

teardown() {
  rm -f "$FAR_SITES/far/lib/shell.php"
  put_back_registry
}

@test "check finds what is there by nobody's leave, ends with 10, and is quiet once that was accepted" {
  trim check INSTANCE=far ACCEPT=all
  assert_success
  echo '<?php eval($_POST[1]);' >"$FAR_SITES/far/lib/shell.php"
  remember
  trim verify INSTANCE=far
  assert_failure 10
  assert_output_contains "lib/shell.php" "the release does not have it" "ACCEPT='lib/shell.php'"
  trim check INSTANCE=far JSON=1
  assert_failure 10
  assert_json "[(one['kind'], one['name']) for one in found[0]['findings']] == [('new', 'lib/shell.php')]"
  printf 'lib/shell.php\0' >"$BATS_TEST_TMPDIR/names"
  trim check INSTANCE=far ACCEPT_FROM="$BATS_TEST_TMPDIR/names"
  assert_success
  rm "$FAR_SITES/far/lib/shell.php"
  trim check INSTANCE=far
  assert_failure 10
  assert_output_contains "is not there any more"
  trim check INSTANCE=far ACCEPT=lib
  assert_success
}

@test "check takes one thing at a time, and names that somebody finds" {
  trim check INSTANCE=far ACCEPT=all DIFF=x
  assert_one_line "three things"
  printf 'lib/x' >"$BATS_TEST_TMPDIR/names"
  trim check INSTANCE=far ACCEPT_FROM="$BATS_TEST_TMPDIR/names"
  assert_one_line "end with NUL"
  trim check INSTANCE=nobody
  assert_one_line "selects nothing"
}

@test "check of a host that does not answer is a finding" {
  register dead ACCESS=ssh SSH_HOST=127.0.0.1 "SSH_PORT=$DEAD_PORT" "SSH_USER=$SSH_USER" WEB_ROOT=/nowhere
  trim check INSTANCE=dead JSON=1
  assert_failure 10
  assert_json "[one['kind'] for one in found[0]['findings']] == ['unreachable']"
}
