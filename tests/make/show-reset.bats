# make show-reset: as it was when new.

setup() {
  load helper
  keep_registry
  setting "SHOW_ROOT=$BATS_TEST_TMPDIR/shows"
  setting 'SHOW_URL=https://*.show.example.org'
  setting "SHOW_DB_ADMIN=$BATS_TEST_TMPDIR/admin.cnf"
  [ "$(id -u)" -ne 0 ] || setting SHOW_PHP_USER=nobody
  mkdir -p "$TRIM_TOP/var/shows"
}

teardown() {
  put_back_registry
  rm -rf "$TRIM_TOP/var/shows"
}

@test "show-reset names the shows there are when ID is missing or wrong" {
  trim show-reset
  assert_one_line "ID= is missing: which show? there is none yet"
  echo '{"id": "ann-1", "state": "ACTIV"}' >"$TRIM_TOP/var/shows/ann-1.json"
  trim show-reset
  assert_one_line "ID= is missing: which show? known: ann-1"
  trim show-reset ID=../ann-1
  assert_one_line "there is no show '../ann-1'; known: ann-1"
}

@test "show-reset changes nothing under maintenance" {
  echo '{"id": "ann-1", "state": "ACTIV"}' >"$TRIM_TOP/var/shows/ann-1.json"
  setting 'SHOW_MAINTENANCE=a new disk'
  trim show-reset ID=ann-1
  assert_failure 9
  assert_output_contains "a new disk"
  grep -q ACTIV "$TRIM_TOP/var/shows/ann-1.json"
}

@test "show-reset makes nothing new of a show that was never whole, and nothing in a dry run" {
  echo '{"id": "ann-1", "state": "BUILD", "pid": 0}' >"$TRIM_TOP/var/shows/ann-1.json"
  trim show-reset ID=ann-1
  assert_failure 9
  assert_output_contains "was never whole"
  echo '{"id": "ann-1", "state": "ACTIV"}' >"$TRIM_TOP/var/shows/ann-1.json"
  trim show-reset ID=ann-1 DRY=1
  assert_success
  assert_output_contains "would: make ann-1 anew"
  grep -q ACTIV "$TRIM_TOP/var/shows/ann-1.json"
}
